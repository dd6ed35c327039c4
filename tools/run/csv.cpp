#include "tools/run/csv.h"

#include "tools/run/differential.h"
#include "tools/text/csv.h"
#include "tools/text/text.h"

namespace giemsa {

std::string cells_csv(const RunInfo& info, std::span<const ImageResult> images) {
  CsvWriter csv;
  for (const char* column :
       {"file", "name", "cell", "class", "probability", "x", "y", "w", "h", "area", "centroid_x", "centroid_y"})
    csv.text(column);
  for (const std::string& name : info.classes) csv.text("p_" + name);
  csv.text("at_edge").text("area_um2").text("label_image").end_row();
  for (const ImageResult& image : images) {
    for (const Cell& cell : image.cells) {
      csv.text(image.file).text(image.name).number(cell.id);
      csv.text(std::string(name_of(cell, info.classes)));
      csv.number(format("%.6f", probability_of(cell)));
      csv.number(cell.x).number(cell.y).number(cell.w).number(cell.h).number(cell.area);
      csv.number(format("%.3f", cell.centroid_x)).number(format("%.3f", cell.centroid_y));
      for (const float probability : cell.probabilities) csv.number(format("%.6f", probability));
      const std::optional<double> area = area_um2(image, cell);
      csv.truth(cell.at_edge).number(area ? format("%.3f", *area) : "").text(label_image(image)).end_row();
    }
  }
  return csv.rows();
}

std::string images_csv(const RunInfo& info, std::span<const ImageResult> images) {
  CsvWriter csv;
  for (const char* column : {"file", "name", "width", "height", "ok", "error", "cells"}) csv.text(column);
  for (const std::string& name : info.classes) csv.text(name);
  for (const char* column :
       {"unsure", "decode_ms", "segment_ms", "postprocess_ms", "classify_ms", "total_ms", "label_image"})
    csv.text(column);
  csv.end_row();
  for (const ImageResult& image : images) {
    csv.text(image.file).text(image.name).number(image.width).number(image.height).truth(image.ok());
    CellCounts counts(info.classes.size());
    counts.add(image.cells);
    csv.text(image.error).number(counts.white_cells());
    for (const std::int64_t count : counts.classes) csv.number(count);
    csv.number(counts.unsure);
    for (const double ms :
         {image.decode_ms, image.ms.segment, image.ms.postprocess, image.ms.classify, image.total_ms()})
      csv.number(format("%.3f", ms));
    csv.text(image.ok() ? label_image(image) : "").end_row();
  }
  return csv.rows();
}

std::string patients_csv(const RunInfo& info, std::span<const ImageResult> images) {
  CsvWriter csv;
  for (const char* column : {"patient", "images", "cells"}) csv.text(column);
  for (const std::string& name : info.classes)
    if (name != other_class)
      for (const char* ending : {"", "_percent", "_low", "_high"}) csv.text(name + ending);
  csv.text("unsure").text("other").end_row();
  const PatientCounts counts = count_by_patient(images, info.classes.size());
  for (const PatientCount& patient : counts.patients()) {
    const std::vector<ClassShare> shares = shares_of(patient.counts, info.classes);
    csv.text(patient.patient).number(patient.images).number(patient.counts.named);
    for (std::size_t i = 0; i < info.classes.size(); ++i) {
      if (info.classes[i] == other_class) continue;
      const ClassShare& share = shares[i];
      csv.number(share.cells);
      for (const double part : {share.share, share.low, share.high}) csv.number(format("%.2f", 100 * part));
    }
    csv.number(patient.counts.unsure).number(patient.counts.other).end_row();
  }
  return csv.rows();
}

}  // namespace giemsa
