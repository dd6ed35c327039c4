#include "tools/calibrate/calibration.h"

#include <cstdint>

namespace giemsa::calibrate {

void SegmenterCalibration::show(const Frame& frame) {
  const Size2 size{frame.height, frame.width};
  if (!session_ || size != compiled_for_) {
    session_ = backend_->compile(segment_graph(model_, size, options_));
    compiled_for_ = size;
    observed_.watch(*session_, "preprocess");
  }
  const void* pixels = frame.rgb.data();
  session_->run({&pixels, 1});
}

std::size_t ClassifierCalibration::show(const Frame& frame) {
  const Size2 size{frame.height, frame.width};
  smear_.identify(frame, found_);
  if (found_.cells.empty()) return 0;
  if (!session_ || size != compiled_for_) {
    session_ = backend_->compile(classify_graph(model_, size, 1, crop_));
    compiled_for_ = size;
    observed_.watch(*session_, "crops");
  }
  for (const Cell& cell : found_.cells) {
    const std::int32_t box[] = {cell.x, cell.y, cell.w, cell.h};
    const void* inputs[] = {frame.rgb.data(), box};
    session_->run(inputs);
  }
  return found_.cells.size();
}

}  // namespace giemsa::calibrate
