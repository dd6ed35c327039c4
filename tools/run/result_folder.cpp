#include "tools/run/result_folder.h"

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <system_error>

#include "engine/base/atomic_file.h"
#include "tools/image_io/decode.h"
#include "tools/pictures/overlay.h"
#include "tools/pictures/png_writer.h"
#include "tools/run/csv.h"
#include "tools/run/geojson.h"
#include "tools/run/report_page.h"
#include "weights/mapped_file.h"

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

// results.json is the last to appear and the first to go.
constexpr std::array tables = {"cells.csv", "images.csv", "patients.csv", "report.html", "results.json"};

std::string crop_file(const RunInfo& info, const ImageResult& image, const Cell& cell) {
  return cat("crops/", folder_name(std::string(name_of(cell, info.classes))), '/', image.name, '_', cell.id, ".png");
}

std::string overlay_file(const ImageResult& image) {
  return "overlays/" + image.name + ".png";
}

std::string geojson_file(const ImageResult& image) {
  return "geojson/" + image.name + ".geojson";
}

/// The files that belong to an image.
std::vector<std::string> files_of(const RunInfo& info, const ImageResult& image) {
  if (!image.ok()) return {};
  std::vector<std::string> files = {label_image(image), overlay_file(image)};
  if (info.options.geojson) files.push_back(geojson_file(image));
  if (info.options.crops)
    for (const Cell& cell : image.cells) files.push_back(crop_file(info, image, cell));
  return files;
}

/// A hidden file that a killed run had begun.
bool is_leftover(const fs::path& file) {
  return file.filename().native().starts_with(AtomicFile::hidden_prefix);
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

ResultFolder::ResultFolder(fs::path folder, Kinds kinds)
    : folder_(std::move(folder)),
      kinds_(kinds),
      lock_((refuse_foreign_files(), folder_ / ".giemsa" / "lock")),
      ledger_(folder_),
      journal_(folder_ / ".giemsa" / "journal.jsonl") {}

void ResultFolder::refuse_foreign_files() const {
  const std::set<std::string> ours = Ledger::read(folder_);
  const auto refuse = [&](const fs::path& file) {
    fail(ErrorKind::output, file.string(),
         ": no run of giemsa wrote this, and it would be replaced or mixed with results;",
         " choose another folder for --out");
  };
  std::error_code error;
  for (const char* table : tables)
    if (!ours.contains(table) && fs::exists(fs::symlink_status(folder_ / table, error))) refuse(folder_ / table);

  std::vector<const char*> kinds = {"labels", "overlays"};
  if (kinds_.crops) kinds.push_back("crops");
  if (kinds_.geojson) kinds.push_back("geojson");
  for (const char* kind : kinds) {
    const fs::path place = folder_ / kind;
    if (!fs::exists(fs::symlink_status(place, error))) continue;
    if (!fs::is_directory(place, error)) refuse(place);
    for (fs::recursive_directory_iterator entry(place, error), end; !error && entry != end; entry.increment(error))
      if (!entry->is_directory(error) && !is_leftover(entry->path()) &&
          !ours.contains(entry->path().lexically_relative(folder_).generic_string()))
        refuse(entry->path());
    check(!error, ErrorKind::output, place.string(), ": cannot be listed: ", error.message());
  }
}

void ResultFolder::begin(const RunInfo& info, bool resume) {
  remove_leftovers();
  if (resume) journal_.resume(identity_json(info));
  std::set<std::string> gone(ledger_.files());
  if (resume) std::erase_if(gone, [](const std::string& file) { return file.find('/') != file.npos; });  // tables go
  remove_files(gone);
  if (!resume) {
    ledger_.replace({});
    journal_.start(identity_json(info));
  }
  gallery_ = Gallery(info.classes.size());
}

/// Hidden files that killed runs had begun.
void ResultFolder::remove_leftovers() const {
  std::error_code ignored;  // what cannot be listed or removed stays, and does no harm
  std::vector<fs::path> leftovers;
  const auto look_at = [&](const fs::path& file) {
    if (is_leftover(file)) leftovers.push_back(file);
  };
  for (fs::directory_iterator entry(folder_, ignored), end; !ignored && entry != end; entry.increment(ignored))
    look_at(entry->path());
  for (const char* part : {".giemsa", "labels", "overlays", "crops", "geojson"}) {
    ignored.clear();
    for (fs::recursive_directory_iterator entry(folder_ / part, ignored), end; !ignored && entry != end;
         entry.increment(ignored))
      look_at(entry->path());
  }
  for (const fs::path& leftover : leftovers) fs::remove(leftover, ignored);
}

/// Removes files, and the folders that are empty then.
void ResultFolder::remove_files(const std::set<std::string>& files) {
  std::set<fs::path> folders;
  const auto remove = [](const fs::path& file) {
    std::error_code error;
    fs::remove(file, error);
    check(!error, ErrorKind::output, file.string(), ": cannot be removed: ", error.message());
  };
  if (files.contains(tables.back())) remove(path_of(tables.back()));
  for (const std::string& file : files) {
    remove(path_of(file));
    for (fs::path above = fs::path(file).parent_path(); !above.empty(); above = above.parent_path())
      folders.insert(above);
  }
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {  // those below come first
    std::error_code ignored;                                                  // one that is not empty stays
    fs::remove(folder_ / *folder, ignored);
  }
}

std::optional<ImageResult> ResultFolder::finished(const RunInfo& info, const ImageFile& input) const {
  const Json* entry = journal_.find(input.name, input.path);
  if (!entry) return {};
  try {
    ImageResult image = image_from_json(*entry, info.classes);
    for (const std::string& file : files_of(info, image)) {
      std::error_code error;  // after a power cut a file may be there, and empty
      const auto bytes = fs::file_size(path_of(file), error);
      if (error || bytes == 0) return {};
    }
    return image;
  } catch (const std::exception&) {  // a damaged journal costs time only
    return {};
  }
}

void ResultFolder::write(const std::string& file, std::span<const std::uint8_t> bytes) {
  ledger_.add(file);
  write_file_atomically(path_of(file), bytes);
}

void ResultFolder::add(const RunInfo& info, const ImageFile& input, const ImageResult& image, const Frame& frame,
                       const Labels& labels) {
  write(label_image(image), encode_png(labels));
  write(overlay_file(image), encode_png(draw_overlay(frame, labels, image.cells, info.classes)));
  if (info.options.geojson) write(geojson_file(image), bytes_of(to_text(geojson(info, image, labels), -1)));
  if (info.options.crops)
    for (const Cell& cell : image.cells)
      write(crop_file(info, image, cell), encode_png(crop_of(frame, cell, info.options.crop)));
  gallery_.offer(image, [&] { return &frame; });
  journal_.append(input.path, image_json(image, info.classes));
}

void ResultFolder::keep(const RunInfo& info, const ImageFile& input, const ImageResult& image) {
  Frame frame;
  gallery_.offer(image, [&]() -> const Frame* {
    try {
      frame = decode_image(input.path, {info.options.max_pixels}, nullptr, input.number);
      return &frame;
    } catch (const Error&) {  // it was read once: at worst a picture is missing from the report
      return nullptr;
    }
  });
}

void ResultFolder::finish(const RunInfo& info, std::span<const ImageResult> images) {
  std::set<std::string> files(tables.begin(), tables.end());
  for (const ImageResult& image : images)
    for (std::string& file : files_of(info, image)) files.insert(std::move(file));
  std::set<std::string> gone;
  std::ranges::set_difference(ledger_.files(), files, std::inserter(gone, gone.end()));
  remove_files(gone);
  ledger_.replace(std::move(files));

  const std::array<std::string, tables.size()> texts = {cells_csv(info, images), images_csv(info, images),
                                                        patients_csv(info, images),
                                                        report_html(info, images, gallery_),
                                                        to_text(document_json(info, images), 1) + '\n'};
  std::deque<AtomicFile> written;
  for (std::size_t i = 0; i < tables.size(); ++i)
    naming(path_of(tables[i]).string(),
           [&] { written.emplace_back(path_of(tables[i])).write(std::as_bytes(bytes_of(texts[i]))); });
  sync_file_system(folder_);  // pictures, journal and tables, before the tables appear
  for (std::size_t i = 0; i < tables.size(); ++i)
    naming(path_of(tables[i]).string(), [&] { written[i].commit(i + 1 == tables.size() ? Sync::yes : Sync::no); });
}

}  // namespace giemsa
