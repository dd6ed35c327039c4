#include <cmath>
#include <sstream>

#include "tools/eval/report.h"
#include "tools/text/text.h"

namespace giemsa::eval {
namespace {

/// Quoted where it must be.
std::string field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

std::string number(double value) {
  return std::isnan(value) ? "" : format("%.9g", value);
}

void write_field_columns(std::ostream& out, const ImageRecord& image) {
  const ImageTally& tally = image.tally;
  const SegmentationScores pixels = segmentation_scores(tally.pixels);
  out << ',' << number(pixels.global_accuracy) << ',' << number(pixels.mean_iou) << ',' << number(pixels.iou[1]) << ','
      << number(tally.boundary_f1) << ',' << tally.truth_cells << ',' << image.cells.size();
  for (const auto& detections : tally.detections)
    out << ',' << detection_scores(detections, tally.truth_cells).true_positives;
}

}  // namespace

std::string images_csv(const Evaluation& evaluation) {
  const bool fields = evaluation.task == Task::fields;
  std::ostringstream out;
  out << "file,name,ok,error,width,height";
  if (fields) {
    out << ",fold,global_accuracy,mean_iou,cell_iou,bf_score,cells,found";
    for (const double iou : detection_ious) out << ",found_at_iou_" << iou;
  }
  out << ",cells_of_known_class,compared,named_right\n";
  for (const ImageRecord& image : evaluation.images) {
    out << field(image.file) << ',' << field(image.name) << ',' << (image.ok() ? "true" : "false") << ','
        << field(image.error) << ',' << image.width << ',' << image.height;
    if (fields) out << ',' << (image.fold ? std::to_string(*image.fold) : "");
    if (!image.ok()) {
      out << (fields ? ",,,,,,,,,,,\n" : ",,,\n");
      continue;
    }
    if (fields) write_field_columns(out, image);
    out << ',' << image.tally.labelled_cells << ',' << image.tally.classes.total() << ','
        << image.tally.classes.correct() << '\n';
  }
  return std::move(out).str();
}

std::string cells_csv(const Evaluation& evaluation) {
  std::ostringstream out;
  out << "name,cell,class,probability,x,y,w,h,area";
  for (const std::string& name : evaluation.info.classes) out << ',' << field("p_" + name);
  out << ",matched_truth_cell,matched_iou,truth_class\n";
  for (const ImageRecord& image : evaluation.images) {
    for (const CellRecord& record : image.cells) {
      const Cell& cell = record.cell;
      out << field(image.name) << ',' << cell.id << ','
          << field(evaluation.classes.at(static_cast<std::size_t>(cell.class_index))) << ','
          << number(probability_of(cell)) << ',' << cell.x << ',' << cell.y << ',' << cell.w << ',' << cell.h << ','
          << cell.area;
      for (const float probability : cell.probabilities) out << ',' << number(double{probability});
      out << ',' << (record.truth ? std::to_string(*record.truth + 1) : "") << ','
          << (record.truth ? number(record.iou) : "") << ','
          << (record.truth_class ? field(evaluation.classes.at(*record.truth_class)) : "") << '\n';
    }
  }
  return std::move(out).str();
}

}  // namespace giemsa::eval
