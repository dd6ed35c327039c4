#include <cmath>

#include "tools/eval/report.h"
#include "tools/text/csv.h"
#include "tools/text/text.h"

namespace giemsa::eval {
namespace {

std::string digits(double value) {
  return std::isnan(value) ? "" : format("%.9g", value);
}

void add_field_columns(CsvWriter& csv, const ImageRecord& image) {
  const ImageTally& tally = image.tally;
  const SegmentationScores pixels = segmentation_scores(tally.pixels);
  csv.number(digits(pixels.global_accuracy)).number(digits(pixels.mean_iou)).number(digits(pixels.iou[1]));
  csv.number(digits(tally.boundary_f1)).number(tally.truth_cells).number(image.cells.size());
  for (const auto& detections : tally.detections)
    csv.number(detection_scores(detections, tally.truth_cells).true_positives);
}

}  // namespace

std::string images_csv(const Evaluation& evaluation) {
  const bool fields = evaluation.task == Task::fields;
  constexpr std::size_t field_columns = 6 + detection_ious.size(), class_columns = 3;
  CsvWriter csv;
  for (const char* column : {"file", "name", "ok", "error", "width", "height"}) csv.text(column);
  if (fields) {
    for (const char* column : {"fold", "global_accuracy", "mean_iou", "cell_iou", "bf_score", "cells", "found"})
      csv.text(column);
    for (const double iou : detection_ious) csv.text(cat("found_at_iou_", iou));
  }
  csv.text("cells_of_known_class").text("compared").text("named_right").end_row();
  for (const ImageRecord& image : evaluation.images) {
    csv.text(image.file).text(image.name).truth(image.ok()).text(image.error);
    csv.number(image.width).number(image.height);
    if (fields) csv.number(image.fold ? std::to_string(*image.fold) : "");
    if (image.ok()) {
      if (fields) add_field_columns(csv, image);
      csv.number(image.tally.labelled_cells).number(image.tally.classes.total()).number(image.tally.classes.correct());
    } else {
      for (std::size_t i = 0; i < class_columns + (fields ? field_columns : 0); ++i) csv.number("");
    }
    csv.end_row();
  }
  return csv.rows();
}

std::string cells_csv(const Evaluation& evaluation) {
  CsvWriter csv;
  for (const char* column : {"name", "cell", "class", "probability", "x", "y", "w", "h", "area"}) csv.text(column);
  for (const std::string& name : evaluation.info.classes) csv.text("p_" + name);
  csv.text("matched_truth_cell").text("matched_iou").text("truth_class").end_row();
  for (const ImageRecord& image : evaluation.images) {
    for (const CellRecord& record : image.cells) {
      const Cell& cell = record.cell;
      csv.text(image.name).number(cell.id);
      csv.text(evaluation.classes.at(static_cast<std::size_t>(cell.class_index)));
      csv.number(digits(probability_of(cell)));
      csv.number(cell.x).number(cell.y).number(cell.w).number(cell.h).number(cell.area);
      for (const float probability : cell.probabilities) csv.number(digits(double{probability}));
      csv.number(record.truth ? std::to_string(*record.truth + 1) : "");
      csv.number(record.truth ? digits(record.iou) : "");
      csv.text(record.truth_class ? evaluation.classes.at(*record.truth_class) : "");
      csv.end_row();
    }
  }
  return csv.rows();
}

}  // namespace giemsa::eval
