// The cells of each name that a person should look at first: those the classifier was least sure of.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/frame.h"
#include "tools/run/results.h"

namespace giemsa {

struct GalleryCell {
  std::string image;  ///< ImageResult::name
  std::string file;   ///< ImageResult::file
  int id;             ///< Cell::id
  int x, y, w, h;     ///< its box
  double probability;
  std::vector<std::uint8_t> png;  ///< empty where the image could not be had
};

/// Keeps of each class, and of unsure cells, those of the lowest probability, lowest first, equal ones in the order in
/// which they came.
class Gallery {
 public:
  explicit Gallery(std::size_t classes, std::size_t kept_per_class = 24) : kept_(kept_per_class), cells_(classes + 1) {}

  /// `frame()` gives a `const Frame*` to the image, or null; it is called at most once, and only where a cell is kept.
  template <class GetFrame>
  void offer(const ImageResult& image, GetFrame&& frame) {
    const Frame* pixels = nullptr;
    bool asked = false;
    for (const Cell& cell : image.cells) {
      if (!belongs(cell)) continue;
      if (!asked) pixels = frame();
      asked = true;
      insert(image, cell, pixels);
    }
  }

  std::span<const GalleryCell> of_class(std::size_t class_index) const { return cells_.at(class_index); }
  std::span<const GalleryCell> unsure() const { return cells_.back(); }

 private:
  std::size_t group_of(const Cell& cell) const;
  bool belongs(const Cell& cell) const;
  void insert(const ImageResult& image, const Cell& cell, const Frame* frame);

  std::size_t kept_;
  std::vector<std::vector<GalleryCell>> cells_;  // of each class; then the unsure ones
};

}  // namespace giemsa
