// The classifier on its own: names what is in given boxes.
#pragma once

#include <array>
#include <atomic>
#include <list>
#include <memory>
#include <span>

#include "engine/run/session.h"
#include "nets/smear.h"

namespace giemsa {

/// x, y, width, height in pixels of the frame.
using PixelBox = std::array<std::int32_t, 4>;

/// Not for several threads at once. Graphs are compiled for the first frame of each size and number of boxes at once,
/// and kept.
class BoxClassifier {
 public:
  /// `kept_sizes`: frame sizes whose graphs are kept. Throws Error(model) where the model is no classifier.
  BoxClassifier(Model classifier, CropMode crop, std::size_t kept_sizes, std::shared_ptr<Backend> backend);

  /// Of each box a row of probabilities, one for each class. `rgb`: 8-bit RGB pixels, interleaved, rows without
  /// padding. Throws Error(usage) where a box is empty or reaches out of the frame.
  void classify(const std::uint8_t* rgb, Size2 frame, std::span<const PixelBox> boxes, std::span<float> probabilities);

  /// classify() throws Error(cancelled) soon after `flag`, which outlives this, is set. Null: never.
  void stop_when(const std::atomic<bool>* flag) { stop_ = flag; }

  /// What the graphs compiled for all kept frame sizes hold.
  MemoryUse memory() const;

  const ModelInfo& model() const { return model_.info; }

 private:
  struct Compiled {
    Size2 frame;
    std::array<std::unique_ptr<Session>, CascadeGraphs::batch_sizes.size()> sessions;
  };

  Session& session_for(Size2 frame, std::size_t batch_index);

  Model model_;
  CropMode crop_;
  std::size_t kept_sizes_;
  std::shared_ptr<Backend> backend_;
  std::list<Compiled> sizes_;
  const std::atomic<bool>* stop_ = nullptr;
};

}  // namespace giemsa
