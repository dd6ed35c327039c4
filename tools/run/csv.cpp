#include "tools/run/csv.h"

#include <sstream>
#include <string_view>

#include "tools/text/text.h"

namespace giemsa {
namespace {

/// Quoted where it must be.
std::string field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

}  // namespace

std::string cells_csv(const RunInfo& info, std::span<const ImageResult> images) {
  std::ostringstream out;
  out << "file,name,cell,class,probability,x,y,w,h,area,centroid_x,centroid_y";
  for (const std::string& name : info.classes) out << ',' << field("p_" + name);
  out << '\n';
  for (const ImageResult& image : images) {
    for (const Cell& cell : image.cells) {
      out << field(image.file) << ',' << field(image.name) << ',' << cell.id << ','
          << field(info.classes.at(static_cast<std::size_t>(cell.class_index))) << ','
          << format("%.6f", probability_of(cell)) << ',' << cell.x << ',' << cell.y << ',' << cell.w << ',' << cell.h
          << ',' << cell.area << ',' << format("%.3f", cell.centroid_x) << ',' << format("%.3f", cell.centroid_y);
      for (float probability : cell.probabilities) out << ',' << format("%.6f", probability);
      out << '\n';
    }
  }
  return std::move(out).str();
}

std::string images_csv(const RunInfo& info, std::span<const ImageResult> images) {
  std::ostringstream out;
  out << "file,name,width,height,ok,error,cells";
  for (const std::string& name : info.classes) out << ',' << field(name);
  out << ",decode_ms,segment_ms,postprocess_ms,classify_ms,total_ms\n";
  for (const ImageResult& image : images) {
    out << field(image.file) << ',' << field(image.name) << ',' << image.width << ',' << image.height << ','
        << (image.ok() ? "true" : "false") << ',' << field(image.error) << ',' << image.cells.size();
    for (std::int64_t count : count_classes(image.cells, info.classes.size())) out << ',' << count;
    for (double ms : {image.decode_ms, image.ms.segment, image.ms.postprocess, image.ms.classify, image.total_ms()})
      out << ',' << format("%.3f", ms);
    out << '\n';
  }
  return std::move(out).str();
}

}  // namespace giemsa
