// What a person says that cells are: a table, or QuPath's GeoJSON.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nets/box_classifier.h"
#include "tools/image_io/find_images.h"

namespace giemsa::adapt {

/// A cell of an image and its class. Where neither box nor number is given, it is the image's only cell, or the one
/// nearest the middle.
struct Correction {
  std::string image;            ///< as written: a path, a file's name, with or without its extension
  std::optional<PixelBox> box;  ///< in pixels of the image
  std::optional<int> cell;      ///< its number in the label image
  std::string kind;             ///< the class, as written
  std::string where;            ///< for messages: "corrected.csv, line 7"
};

/// Comma-separated values with a head line: `file`, `image` or `name`; `corrected`, `class` or `classes`; and, where
/// they are there, `x`, `y`, `w`, `h`, or `cell`. So cells.csv of a run is such a table, edited in the column `class` or
/// with a column `corrected` added, and so is labels.csv of a data set. Rows without a class, of `unsure` cells and of
/// images of several cells without a box are passed over. Throws Error(usage), naming the line.
std::vector<Correction> parse_corrections(std::string_view csv, const std::string& name);

/// A GeoJSON FeatureCollection as `giemsa run --geojson` writes it and QuPath gives it back: the box of each feature and
/// the name of its classification. `image` is the file's name without its extension. Throws Error(usage).
std::vector<Correction> parse_features(std::string_view geojson, const std::string& image, const std::string& name);

/// Those of a file by its extension (.csv; .geojson or .json), or of all GeoJSON files below a folder.
std::vector<Correction> read_corrections(const std::filesystem::path& path);

/// The corrections of each image, in the order of `images`; those of images that are not there are counted in
/// `elsewhere`. Throws Error(usage) where a name fits several images.
std::vector<std::vector<Correction>> by_image(std::vector<Correction> corrections, std::span<const ImageFile> images,
                                              std::size_t& elsewhere);

}  // namespace giemsa::adapt
