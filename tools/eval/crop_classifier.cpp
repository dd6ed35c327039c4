#include "tools/eval/crop_classifier.h"

#include <algorithm>
#include <utility>

namespace giemsa::eval {

CropClassifier::CropClassifier(Model classifier, std::shared_ptr<Backend> backend)
    : model_(std::move(classifier)), backend_(std::move(backend)) {
  check(!model_.info.is_segmenter(), ErrorKind::model, model_.file, ": expected a classifier, its architecture is ",
        model_.info.arch);
  check_scales(model_, backend_->precision());
}

Cell CropClassifier::classify(const Frame& frame) {
  const Size2 size{frame.height, frame.width};
  if (!session_ || size != compiled_for_) {
    session_ = backend_->compile(classify_graph(model_, size, 1, CropMode::tight));
    compiled_for_ = size;
  }
  Cell cell;
  cell.id = 1;
  cell.w = frame.width;
  cell.h = frame.height;
  cell.area = std::int64_t{cell.w} * cell.h;
  cell.centroid_x = (cell.w - 1) / 2.0;
  cell.centroid_y = (cell.h - 1) / 2.0;
  const std::int32_t box[] = {0, 0, cell.w, cell.h};
  const void* inputs[] = {frame.rgb.data(), box};
  session_->run(inputs);
  const auto probabilities = session_->output<float>();
  cell.probabilities.assign(probabilities.begin(), probabilities.end());
  cell.class_index = static_cast<int>(std::ranges::max_element(probabilities) - probabilities.begin());
  return cell;
}

}  // namespace giemsa::eval
