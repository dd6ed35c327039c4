#include "tools/run/csv.h"

#include "tools/text/csv.h"
#include "tools/text/text.h"

namespace giemsa {

std::string cells_csv(const RunInfo& info, std::span<const ImageResult> images) {
  CsvWriter csv;
  for (const char* column :
       {"file", "name", "cell", "class", "probability", "x", "y", "w", "h", "area", "centroid_x", "centroid_y"})
    csv.text(column);
  for (const std::string& name : info.classes) csv.text("p_" + name);
  csv.text("label_image").end_row();
  for (const ImageResult& image : images) {
    for (const Cell& cell : image.cells) {
      csv.text(image.file).text(image.name).number(cell.id);
      csv.text(info.classes.at(static_cast<std::size_t>(cell.class_index)));
      csv.number(format("%.6f", probability_of(cell)));
      csv.number(cell.x).number(cell.y).number(cell.w).number(cell.h).number(cell.area);
      csv.number(format("%.3f", cell.centroid_x)).number(format("%.3f", cell.centroid_y));
      for (const float probability : cell.probabilities) csv.number(format("%.6f", probability));
      csv.text(label_image(image)).end_row();
    }
  }
  return csv.rows();
}

std::string images_csv(const RunInfo& info, std::span<const ImageResult> images) {
  CsvWriter csv;
  for (const char* column : {"file", "name", "width", "height", "ok", "error", "cells"}) csv.text(column);
  for (const std::string& name : info.classes) csv.text(name);
  for (const char* column : {"decode_ms", "segment_ms", "postprocess_ms", "classify_ms", "total_ms", "label_image"})
    csv.text(column);
  csv.end_row();
  for (const ImageResult& image : images) {
    csv.text(image.file).text(image.name).number(image.width).number(image.height).truth(image.ok());
    csv.text(image.error).number(image.cells.size());
    for (const std::int64_t count : count_classes(image.cells, info.classes.size())) csv.number(count);
    for (const double ms :
         {image.decode_ms, image.ms.segment, image.ms.postprocess, image.ms.classify, image.total_ms()})
      csv.number(format("%.3f", ms));
    csv.text(image.ok() ? label_image(image) : "").end_row();
  }
  return csv.rows();
}

}  // namespace giemsa
