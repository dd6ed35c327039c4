// The pictures that a person should look at first.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/frame.h"

namespace giemsa::eval {

struct WorstCase {
  double badness;
  std::string caption;
  std::vector<std::uint8_t> png;
};

/// Keeps the pictures of the highest badness, worst first, equal ones in the order in which they came.
class WorstCases {
 public:
  explicit WorstCases(std::size_t kept) : kept_(kept) {}

  /// Draws and keeps a case only where it belongs among the worst so far: `draw` returns its Frame.
  template <class Draw>
  void offer(double badness, const std::string& caption, Draw&& draw) {
    if (cases_.size() < kept_ || badness > cases_.back().badness) insert(badness, caption, draw());
  }

  std::span<const WorstCase> cases() const { return cases_; }

 private:
  void insert(double badness, const std::string& caption, const Frame& picture);

  std::size_t kept_;
  std::vector<WorstCase> cases_;
};

/// Draws the outline of a mask in black, two pixels wide.
void draw_truth(Frame& frame, const Mask& mask);

}  // namespace giemsa::eval
