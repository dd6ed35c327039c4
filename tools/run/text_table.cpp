#include "tools/run/text_table.h"

#include <algorithm>

#include "tools/text/percentile.h"
#include "tools/text/text.h"

namespace giemsa {
namespace {

std::size_t longest(const std::vector<std::string>& texts, std::size_t least) {
  for (const std::string& text : texts) least = std::max(least, text.size());
  return least;
}

std::string described(const char* role, const ModelFile& model) {
  return cat(role, ' ', printable(model.file), " (", model.arch, '/', model.preset, ", sha256 ",
             model.sha256.substr(0, 16), ")");
}

}  // namespace

TextTable::TextTable(std::ostream& out, std::vector<std::string> classes, std::size_t file_width)
    : out_(out),
      classes_(std::move(classes)),
      file_width_(std::max(file_width, std::string_view("file").size())),
      class_width_(longest(classes_, std::string_view("no cells").size())),
      counts_(classes_.size()),
      patients_(classes_.size()) {
  out_ << padded("file", file_width_) << "  cell  " << padded("class", class_width_)
       << "  probability      x      y      w      h      area\n";
}

void TextTable::begin_row(const ImageResult& image, const std::string& id, const std::string& what) {
  out_ << padded(printable(image.file), file_width_) << "  " << format("%4s", id.c_str()) << "  " << what;
}

void TextTable::add(const ImageResult& image) {
  ++images_;
  patients_.add(image);
  if (!image.ok()) {
    begin_row(image, "-", "failed");
    out_ << std::endl;
    return;
  }
  times_.push_back(image.total_ms());
  if (image.cells.empty()) {
    begin_row(image, "-", "no cells");
    out_ << '\n';
  }
  for (const Cell& cell : image.cells) {
    begin_row(image, std::to_string(cell.id), padded(printable(std::string(name_of(cell, classes_))), class_width_));
    out_ << format("  %11.3f %6d %6d %6d %6d %9lld\n", probability_of(cell), cell.x, cell.y, cell.w, cell.h,
                   static_cast<long long>(cell.area));
  }
  counts_.add(image.cells);
  out_ << std::flush;
}

/// Shares by patient, where there are several.
void TextTable::write_patients() const {
  if (patients_.patients().size() < 2) return;
  std::vector<std::string> names;
  for (const PatientCount& patient : patients_.patients()) names.push_back(printable(patient.patient));
  const std::size_t width = longest(names, std::string_view("patient").size());
  out_ << padded("patient", width) << "   cells";
  for (const std::string& name : classes_)
    if (name != other_class) out_ << format("  %10s", printable(name).substr(0, 10).c_str());
  out_ << '\n';
  for (std::size_t p = 0; p < names.size(); ++p) {
    const CellCounts& counts = patients_.patients()[p].counts;
    out_ << padded(names[p], width) << format("  %6lld", static_cast<long long>(counts.named));
    for (std::size_t i = 0; i < classes_.size(); ++i) {
      if (classes_[i] == other_class) continue;
      if (counts.named == 0)
        out_ << format("  %10s", "-");
      else
        out_ << format("  %8.1f %%", 100.0 * static_cast<double>(counts.classes[i]) / static_cast<double>(counts.named));
    }
    out_ << '\n';
  }
  out_ << '\n';
}

void TextTable::finish(const RunInfo& info) {
  out_ << '\n' << counted(images_, "image");
  if (const std::size_t failed = images_ - times_.size()) out_ << " (" << failed << " failed)";
  out_ << ", " << counted(static_cast<std::size_t>(counts_.white_cells()), "cell");
  if (!times_.empty()) {
    std::ranges::sort(times_);
    out_ << format(", median %.1f ms an image", percentile(times_, 0.5));
  }
  out_ << "\n\n";

  if (counts_.named > 0) {
    out_ << padded("class", class_width_) << "   cells    share\n";
    for (std::size_t i = 0; i < classes_.size(); ++i)
      if (classes_[i] != other_class)
        out_ << padded(printable(classes_[i]), class_width_)
             << format("  %6lld  %5.1f %%\n", static_cast<long long>(counts_.classes[i]),
                       100.0 * static_cast<double>(counts_.classes[i]) / static_cast<double>(counts_.named));
  }
  if (const std::string uncounted = counts_.uncounted(); !uncounted.empty())
    out_ << "not counted: " << uncounted << '\n';
  if (counts_.named > 0 || counts_.unsure > 0 || counts_.other > 0) out_ << '\n';
  write_patients();

  const auto options = finding_texts(info.options);
  out_ << "giemsa " << GIEMSA_VERSION << " on " << info.device << ", " << info.precision << '\n'
       << described("segmenter ", info.segmenter) << '\n'
       << described("classifier", info.classifier) << '\n'
       << "segment size " << options.at("segment_size") << ", threshold " << options.at("threshold") << ", min area "
       << options.at("min_area") << ", crop " << options.at("crop") << ", split " << options.at("split") << ", mask resolution "
       << options.at("mask_resolution") << '\n'
       << research_use_only << std::endl;
}

}  // namespace giemsa
