// The table that says what the cells of each image are.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace giemsa::eval {

struct LabelRow {
  std::string image;                 ///< as written: with or without extension
  std::vector<std::string> classes;  ///< one per cell; empty where unknown
  std::optional<int> fold;
};

/// Parses comma-separated values (RFC 4180) with a head line that names at least the column `image`; `class` or
/// `classes` holds class names separated by ';', `fold` a whole number, other columns are ignored. Throws Error(usage),
/// naming the line, for anything else, and where an image occurs twice.
std::vector<LabelRow> parse_labels(std::string_view text);

/// The same from a file, which the error names too.
std::vector<LabelRow> read_labels(const std::filesystem::path& file);

}  // namespace giemsa::eval
