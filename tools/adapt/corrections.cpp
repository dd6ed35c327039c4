#include "tools/adapt/corrections.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "nets/smear.h"
#include "tools/text/csv.h"
#include "tools/text/csv_reader.h"
#include "tools/text/text.h"

namespace giemsa::adapt {

namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

/// A column of the table by the first of `names` that it has.
struct Column {
  Column(const std::vector<std::string>& head, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      index = static_cast<std::size_t>(std::ranges::find(head, name) - head.begin());
      there = index < head.size();
      if (there) return;
    }
  }

  std::size_t index = 0;
  bool there = false;
};

int whole_number(const std::string& text, const std::string& where, const std::string& column) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(error == std::errc() && end == text.data() + text.size() && std::abs(value) < 1e9, ErrorKind::usage, where,
        ": ", column, " '", text, "' is no number");
  return static_cast<int>(std::lround(value));
}

/// The corners of a geometry's rings, whatever its kind nests them in.
void collect_corners(const Json& coordinates, std::vector<std::pair<double, double>>& corners) {
  if (!coordinates.is_array()) return;
  if (coordinates.size() >= 2 && coordinates[0].is_number() && coordinates[1].is_number())
    corners.emplace_back(coordinates[0].get<double>(), coordinates[1].get<double>());
  else
    for (const Json& part : coordinates) collect_corners(part, corners);
}

std::optional<PixelBox> box_of(const Json& feature) {
  constexpr double most = std::numeric_limits<std::int32_t>::max() / 2;
  static const Json::json_pointer where("/geometry/coordinates");
  std::vector<std::pair<double, double>> corners;
  if (feature.contains(where)) collect_corners(feature.at(where), corners);
  if (corners.empty()) return std::nullopt;
  double left = most, top = most, right = 0, bottom = 0;
  for (const auto& [x, y] : corners) {
    left = std::min(left, x), right = std::max(right, x);
    top = std::min(top, y), bottom = std::max(bottom, y);
  }
  if (!(left >= 0 && top >= 0 && right < most && bottom < most && right > left && bottom > top)) return std::nullopt;
  const auto x = static_cast<std::int32_t>(left), y = static_cast<std::int32_t>(top);
  return PixelBox{x, y, static_cast<std::int32_t>(std::ceil(right)) - x, static_cast<std::int32_t>(std::ceil(bottom)) - y};
}

std::string read_text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  check(stream.is_open() && !fs::is_directory(file), ErrorKind::usage, file.string(), ": cannot be read");
  return {std::istreambuf_iterator<char>(stream), {}};
}

bool is_geojson(const fs::path& file) {
  return file.extension() == ".geojson" || file.extension() == ".json";
}

/// Where the images are, by everything that a row may call them.
class ImageIndex {
 public:
  explicit ImageIndex(std::span<const ImageFile> images) {
    for (std::size_t i = 0; i < images.size(); ++i) {
      const ImageFile& image = images[i];
      const std::string number = image.count > 1 ? cat('#', image.number + 1) : "";
      add(image.path.string() + number, i);
      add(image.name, i);
      add(image.path.filename().string() + number, i);
      add(image.path.stem().string() + number, i);
      add(fs::path(image.name).filename().string(), i);
    }
  }

  /// None where there is no such image.
  std::optional<std::size_t> find(const Correction& correction) const {
    for (const std::string& name : {correction.image, fs::path(correction.image).filename().string(),
                                    fs::path(correction.image).stem().string()}) {
      const auto found = places_.find(name);
      if (found == places_.end()) continue;
      check(found->second.has_value(), ErrorKind::usage, correction.where, ": several images are called ", name,
            ": give the path");
      return found->second;
    }
    return std::nullopt;
  }

 private:
  void add(const std::string& name, std::size_t place) {
    const auto [found, is_new] = places_.try_emplace(name, place);
    if (!is_new && found->second != place) found->second.reset();
  }

  std::map<std::string, std::optional<std::size_t>> places_;  // without a place: of several images
};

}  // namespace

std::vector<Correction> parse_corrections(std::string_view csv, const std::string& name) {
  CsvReader records(csv);
  std::vector<std::string> head, fields;
  check(records.next(head), ErrorKind::usage, name, ": is empty");
  const Column image(head, {"file", "image", "name"}), kind(head, {"corrected", "class", "classes"}),
      cell(head, {"cell"}), x(head, {"x"}), y(head, {"y"}), w(head, {"w"}), h(head, {"h"});
  check(image.there, ErrorKind::usage, name, ": no column 'file', 'image' or 'name'");
  check(kind.there, ErrorKind::usage, name, ": no column 'corrected' or 'class'");
  const bool boxes = x.there && y.there && w.there && h.there;

  std::vector<Correction> corrections;
  while (records.next(fields)) {
    const std::string where = cat(name, ", line ", records.line());
    check(fields.size() == head.size(), ErrorKind::usage, where, ": ", fields.size(), " fields, expected ",
          head.size());
    Correction row{without_apostrophe(fields[image.index]), {}, {}, fields[kind.index], where};
    check(!row.image.empty(), ErrorKind::usage, where, ": names no image");
    if (boxes && !fields[x.index].empty()) {
      const auto side = [&](const Column& column) { return whole_number(fields[column.index], where, head[column.index]); };
      row.box = PixelBox{side(x), side(y), side(w), side(h)};
    } else if (cell.there && !fields[cell.index].empty()) {
      row.cell = whole_number(fields[cell.index], where, "cell");
    }
    const bool several = row.kind.find(';') != std::string::npos;
    check(!several || (!row.box && !row.cell), ErrorKind::usage, where, ": a cell of several classes, ", row.kind);
    if (!row.kind.empty() && row.kind != unsure_name && !several) corrections.push_back(std::move(row));
  }
  return corrections;
}

std::vector<Correction> parse_features(std::string_view geojson, const std::string& image, const std::string& name) {
  const Json document = Json::parse(geojson, nullptr, false);
  check(!document.is_discarded(), ErrorKind::usage, name, ": is not JSON");
  const Json* features = &document;  // QuPath writes the features alone where it is asked to
  if (document.is_object()) {
    check(document.contains("features"), ErrorKind::usage, name, ": is no GeoJSON: no features");
    features = &document.at("features");
  }
  check(features->is_array(), ErrorKind::usage, name, ": is no GeoJSON: its features are no list");
  static const Json::json_pointer where("/properties/classification/name");
  std::vector<Correction> corrections;
  for (std::size_t i = 0; i < features->size(); ++i) {
    const Json& feature = (*features)[i];
    if (!feature.contains(where) || !feature.at(where).is_string()) continue;
    Correction row{image, box_of(feature), {}, feature.at(where).get<std::string>(), cat(name, ", feature ", i + 1)};
    check(row.box.has_value(), ErrorKind::usage, row.where, ": its geometry has no area within an image");
    if (row.kind != unsure_name) corrections.push_back(std::move(row));
  }
  return corrections;
}

std::vector<Correction> read_corrections(const fs::path& path) {
  if (!fs::is_directory(path))
    return is_geojson(path) ? parse_features(read_text(path), path.stem().string(), path.string())
                            : parse_corrections(read_text(path), path.string());
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file() && entry.path().extension() == ".geojson") files.push_back(entry.path());
  check(!files.empty(), ErrorKind::usage, path.string(), ": holds no .geojson file");
  std::ranges::sort(files);
  std::vector<Correction> corrections;
  for (const fs::path& file : files) {
    const std::string image = (file.lexically_relative(path).parent_path() / file.stem()).generic_string();
    std::ranges::move(parse_features(read_text(file), image, file.string()), std::back_inserter(corrections));
  }
  return corrections;
}

std::vector<std::vector<Correction>> by_image(std::vector<Correction> corrections, std::span<const ImageFile> images,
                                              std::size_t& elsewhere) {
  const ImageIndex index(images);
  std::vector<std::vector<Correction>> result(images.size());
  elsewhere = 0;
  for (Correction& correction : corrections) {
    if (const auto place = index.find(correction))
      result[*place].push_back(std::move(correction));
    else
      ++elsewhere;
  }
  return result;
}

}  // namespace giemsa::adapt
