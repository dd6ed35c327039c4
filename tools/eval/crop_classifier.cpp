#include "tools/eval/crop_classifier.h"

#include <algorithm>

namespace giemsa::eval {

Cell CropClassifier::classify(const Frame& frame) {
  Cell cell;
  cell.id = 1;
  cell.w = frame.width;
  cell.h = frame.height;
  cell.area = std::int64_t{cell.w} * cell.h;
  cell.centroid_x = (cell.w - 1) / 2.0;
  cell.centroid_y = (cell.h - 1) / 2.0;
  cell.probabilities.resize(model().classes.size());
  const PixelBox whole{0, 0, cell.w, cell.h};
  boxes_.classify(frame.rgb.data(), {frame.height, frame.width}, {&whole, 1}, cell.probabilities);
  cell.class_index = static_cast<int>(std::ranges::max_element(cell.probabilities) - cell.probabilities.begin());
  return cell;
}

}  // namespace giemsa::eval
