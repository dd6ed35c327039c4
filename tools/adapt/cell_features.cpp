#include "tools/adapt/cell_features.h"

#include <algorithm>

#include "nets/last_layer.h"
#include "tools/eval/image_record.h"
#include "weights/text.h"

namespace giemsa::adapt {

CellFeatures::CellFeatures(const Model& segmenter, const Model& classifier, const SmearOptions& options,
                           std::shared_ptr<Backend> backend)
    : classifier_(classifier), crop_(options.crop), backend_(backend), smear_(segmenter, std::nullopt, options, backend) {
  check_classifier(classifier, backend->precision());
}

std::vector<float> CellFeatures::features_of(const Frame& frame, const PixelBox& box) {
  const Size2 size{frame.height, frame.width};
  if (!session_ || size != compiled_for_) {
    session_ = backend_->compile(features_graph(classifier_, size, crop_));
    compiled_for_ = size;
  }
  const void* inputs[] = {frame.rgb.data(), box.data()};
  session_->run(inputs);
  const auto features = session_->output<float>(1);
  return {features.begin(), features.end()};
}

std::optional<PixelBox> CellFeatures::find(const Frame& frame, const Correction& correction) {
  if (searched_ != &frame) smear_.identify(frame, found_);
  searched_ = &frame;
  const Cell* cell = nullptr;
  if (correction.cell) {
    const auto match = std::ranges::find(found_.cells, *correction.cell, &Cell::id);
    cell = match == found_.cells.end() ? nullptr : &*match;
  } else {
    cell = eval::middle_cell(found_.cells, {frame.height, frame.width});
  }
  if (!cell) return std::nullopt;
  return PixelBox{cell->x, cell->y, cell->w, cell->h};
}

std::vector<LabelledCell> CellFeatures::collect(const Frame& frame, std::span<const Correction> corrections,
                                                std::size_t group, std::size_t& missing) {
  searched_ = nullptr;
  const std::vector<std::string>& classes = classifier_.info.classes;
  std::vector<LabelledCell> cells;
  for (const Correction& correction : corrections) {
    const auto kind = std::ranges::find(classes, correction.kind);
    check(kind != classes.end(), ErrorKind::usage, correction.where, ": '", correction.kind,
          "' is none of the classes: ", join(classes));
    const std::optional<PixelBox> box = correction.box ? correction.box : find(frame, correction);
    if (!box) {
      ++missing;
      continue;
    }
    const auto& [x, y, w, h] = *box;
    check(w > 0 && h > 0 && x >= 0 && y >= 0 && w <= frame.width - x && h <= frame.height - y, ErrorKind::usage,
          correction.where, ": a box of ", w, 'x', h, " at ", x, ',', y, " is not within an image of ", frame.width, 'x',
          frame.height);
    cells.push_back({features_of(frame, *box), static_cast<int>(kind - classes.begin()), group});
  }
  return cells;
}

}  // namespace giemsa::adapt
