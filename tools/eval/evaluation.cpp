#include "tools/eval/evaluation.h"

#include <algorithm>
#include <numeric>

#include "tools/pictures/overlay.h"
#include "tools/pictures/thumbnail.h"
#include "tools/text/text.h"

namespace giemsa::eval {
namespace {

constexpr int picture_side = 320;

std::string caption_of(const Evaluation& evaluation, const ImageRecord& record, const CellRecord& cell) {
  const auto& classes = evaluation.classes;
  return cat(record.name, ": ", classes.at(*cell.truth_class), ", called ",
             classes.at(static_cast<std::size_t>(cell.cell.class_index)),
             format(" (%.0f %%)", 100 * probability_of(cell.cell)));
}

}  // namespace

void compute_figures(Evaluation& evaluation) {
  std::vector<ImageTally> tallies;
  for (const ImageRecord& image : evaluation.images)
    if (image.ok()) tallies.push_back(image.tally);
  std::vector<std::size_t> all(tallies.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  evaluation.scores = score(tallies, all, evaluation.classes.size());
  evaluation.figures = figures_with_intervals(tallies, evaluation.task, evaluation.classes, evaluation.bootstrap);
}

void show_worst(Evaluation& evaluation, const ImageRecord& record, const Frame& frame, const Labels& labels,
                const Truth& truth) {
  const double iou = segmentation_scores(record.tally.pixels).mean_iou;
  evaluation.worst_masks.offer(-iou, cat(record.name, format(": mean IoU %.3f", iou)), [&] {
    std::vector<Cell> cells;
    for (const CellRecord& cell : record.cells) cells.push_back(cell.cell);
    Frame picture = draw_overlay(frame, labels, cells, evaluation.classes);
    draw_truth(picture, truth.mask);
    return shrunk(picture, picture_side);
  });
  show_worst(evaluation, record, frame);
}

void show_worst(Evaluation& evaluation, const ImageRecord& record, const Frame& frame) {
  for (const CellRecord& cell : record.cells) {
    if (!cell.misnamed()) continue;
    evaluation.wrong_names.offer(probability_of(cell.cell), caption_of(evaluation, record, cell), [&] {
      const Box box{cell.cell.x, cell.cell.y, cell.cell.w, cell.cell.h};
      return shrunk(cut_out(frame, box, std::max(box.w, box.h) / 8), picture_side / 2);
    });
  }
}

std::size_t failed_images(const Evaluation& evaluation) {
  return static_cast<std::size_t>(std::ranges::count(evaluation.images, false, &ImageRecord::ok));
}

std::span<const std::string> unknown_classes(const Evaluation& evaluation) {
  return std::span(evaluation.classes).subspan(evaluation.info.classes.size());
}

}  // namespace giemsa::eval
