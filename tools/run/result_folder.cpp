#include "tools/run/result_folder.h"

#include <algorithm>
#include <system_error>

#include "tools/image_io/decode.h"
#include "tools/pictures/overlay.h"
#include "tools/pictures/png_writer.h"
#include "tools/run/csv.h"
#include "tools/run/geojson.h"
#include "tools/run/report_page.h"
#include "tools/text/atomic_file.h"

namespace giemsa {
namespace {

namespace fs = std::filesystem;

/// A class's name as a folder's: it comes from a model file, which nobody vouches for.
std::string folder_name(std::string name) {
  std::ranges::replace(name, '/', '_');
  std::ranges::replace(name, '\0', '_');
  return name.empty() || name.front() == '.' ? '_' + name : name;
}

/// The pixels that the classifier saw of `cell`, before they were resized.
Frame crop_of(const Frame& frame, const Cell& cell, CropMode mode) {
  const int extra = mode == CropMode::matlab ? 1 : 0;
  Frame crop(std::min(cell.w + extra, frame.width - cell.x), std::min(cell.h + extra, frame.height - cell.y));
  for (int y = 0; y < crop.height; ++y) std::copy_n(frame.at(cell.x, cell.y + y), 3 * crop.width, crop.at(0, y));
  return crop;
}

}  // namespace

ResultFolder::ResultFolder(fs::path folder) : folder_(std::move(folder)), journal_(folder_ / marker / "journal.jsonl") {
  const fs::path probe = folder_ / marker / "probe";
  write_file_atomically(probe, std::string_view());
  std::error_code ignored;  // an empty file that stays does no harm
  fs::remove(probe, ignored);
}

void ResultFolder::begin(const RunInfo& info, bool resume) {
  if (resume)
    journal_.resume(identity_json(info));
  else
    journal_.start(identity_json(info));
  gallery_ = Gallery(info.classes.size());
  for (const char* table : {"results.json", "report.html", "cells.csv", "images.csv"}) {
    std::error_code error;
    fs::remove(folder_ / table, error);
    check(!error, ErrorKind::output, (folder_ / table).string(), ": cannot be replaced: ", error.message());
  }
}

std::optional<ImageResult> ResultFolder::finished(const RunInfo& info, const ImageFile& input) const {
  const Json* entry = journal_.find(input.name, input.path);
  if (!entry || !fs::exists(file("labels", input.name, ".png"))) return {};
  try {
    return image_from_json(*entry, info.classes);
  } catch (const std::exception&) {  // a damaged journal costs time only
    return {};
  }
}

void ResultFolder::add(const RunInfo& info, const ImageFile& input, const ImageResult& image, const Frame& frame,
                       const Labels& labels) {
  write_png(file("labels", image.name, ".png"), labels);
  write_png(file("overlays", image.name, ".png"), draw_overlay(frame, labels, image.cells, info.classes));
  if (info.options.geojson)
    write_file_atomically(file("geojson", image.name, ".geojson"), to_text(geojson(info, image, labels), -1));
  if (info.options.crops) write_crops(info, image, frame);
  gallery_.offer(image, [&] { return &frame; });
  journal_.append(input.path, image_json(image, info.classes));
}

void ResultFolder::keep(const RunInfo& info, const ImageFile& input, const ImageResult& image) {
  Frame frame;
  gallery_.offer(image, [&]() -> const Frame* {
    try {
      frame = decode_image(input.path, {info.options.max_pixels});
      return &frame;
    } catch (const Error&) {  // it was read once: at worst a picture is missing from the report
      return nullptr;
    }
  });
}

void ResultFolder::write_crops(const RunInfo& info, const ImageResult& image, const Frame& frame) const {
  for (const Cell& cell : image.cells) {
    const std::string& name = info.classes.at(static_cast<std::size_t>(cell.class_index));
    const fs::path folder = folder_ / "crops" / folder_name(name);
    write_png(folder / (image.name + '_' + std::to_string(cell.id) + ".png"), crop_of(frame, cell, info.options.crop));
  }
}

void ResultFolder::finish(const RunInfo& info, std::span<const ImageResult> images) {
  write_file_atomically(folder_ / "cells.csv", cells_csv(info, images));
  write_file_atomically(folder_ / "images.csv", images_csv(info, images));
  write_file_atomically(folder_ / "report.html", report_html(info, images, gallery_));
  write_file_atomically(folder_ / "results.json", to_text(document_json(info, images), 1) + '\n');
}

fs::path ResultFolder::file(const char* kind, const std::string& name, const char* extension) const {
  return folder_ / kind / (name + extension);
}

}  // namespace giemsa
