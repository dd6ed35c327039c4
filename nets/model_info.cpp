#include "nets/model_info.h"

#include <algorithm>

#include "nets/architecture.h"
#include "nets/cell_classes.h"
#include "weights/byte_view.h"
#include "weights/text.h"

namespace giemsa {

namespace {

using Metadata = std::map<std::string, std::string>;

constexpr const char* format_key = "giemsa.format";
constexpr const char* format_version = "1";
constexpr std::string_view option_prefix = "option.";
constexpr const char* calibration_key = "calibration";
constexpr const char* cells_key = "cells";        // left out where they are the usual ones
constexpr const char* channels_key = "channels";  // left out where they are RGB
constexpr std::int64_t longest_side = 16384;

/// numerator / denominator rounded to the nearest whole number, halves to the even one.
std::int64_t round_half_even(std::int64_t numerator, std::int64_t denominator) {
  const std::int64_t quotient = numerator / denominator, twice = 2 * (numerator % denominator);
  return quotient + (twice > denominator || (twice == denominator && quotient % 2 == 1) ? 1 : 0);
}

std::string triple_text(const std::array<float, 3>& values) {
  return cat(format_float(values[0]), ',', format_float(values[1]), ',', format_float(values[2]));
}

std::array<float, 3> parse_triple(const std::string& text, ErrorKind kind, std::string_view what) {
  const std::vector<std::string> parts = split(text);
  check(parts.size() == 3, kind, what, ": ", in_quotes(text), " is not three numbers, one a colour");
  return {parse_float(parts[0], kind, what), parse_float(parts[1], kind, what), parse_float(parts[2], kind, what)};
}

ResizeFilter parse_filter(const std::string& text, ErrorKind kind) {
  check(text == "bilinear" || text == "bicubic", kind, "filter: ", in_quotes(text), " is neither bilinear nor bicubic");
  return text == "bilinear" ? ResizeFilter::bilinear : ResizeFilter::bicubic;
}

std::vector<std::string> parse_classes(const std::string& text, ErrorKind kind) {
  std::vector<std::string> classes = split(text);
  check(classes.size() >= 2, kind, "classes: ", in_quotes(text), " names fewer than two classes");
  for (const std::string& name : classes) {
    check(!name.empty(), kind, "classes: ", in_quotes(text), " has an empty name");
    check(std::ranges::count(classes, name) == 1, kind, "classes: ", in_quotes(name), " is named twice");
  }
  return classes;
}

ChannelOrder parse_channels(const std::string& text, ErrorKind kind) {
  check(text == "rgb" || text == "bgr", kind, "channels: ", in_quotes(text), " is neither rgb nor bgr");
  return text == "rgb" ? ChannelOrder::rgb : ChannelOrder::bgr;
}

std::vector<std::string> parse_cells(const std::string& text, const std::vector<std::string>& classes, ErrorKind kind) {
  std::vector<std::string> cells = split(text);
  for (const std::string& name : cells) {
    check(std::ranges::count(classes, name) == 1, kind, "cells: ", in_quotes(name), " is none of the classes ",
          join(classes, ", "));
    check(std::ranges::count(cells, name) == 1, kind, "cells: ", in_quotes(name), " is named twice");
  }
  check(!cells.empty(), kind, "cells: names no class");
  check(cells.size() < classes.size(), kind, "cells: ", in_quotes(text),
        " are all classes there are; one is background");
  return cells;
}

}  // namespace

Size2 InputSize::resolve(Size2 frame, std::int64_t multiple) const {
  if (long_side == 0) return fixed;
  const std::int64_t longer = std::max(frame.h, frame.w);
  const auto side = [&](std::int64_t extent) {
    return std::max(multiple, multiple * round_half_even(extent * long_side, longer * multiple));
  };
  return {side(frame.h), side(frame.w)};
}

InputSize InputSize::parse(const std::string& text, ErrorKind kind) {
  const std::vector<std::string> sides = split(text, 'x');
  check(sides.size() == 1 || sides.size() == 2, kind, "input size: ", in_quotes(text),
        " is neither LONG nor WIDTHxHEIGHT");
  const auto side = [&](const std::string& part) {
    const std::int64_t value = parse_int(part, kind, "input size");
    check(value >= 1 && value <= longest_side, kind, "input size: ", value, " is not between 1 and ", longest_side);
    return value;
  };
  if (sides.size() == 1) return {{}, side(sides[0])};
  return {{side(sides[1]), side(sides[0])}, 0};
}

std::string InputSize::to_string() const {
  return long_side ? cat(long_side) : cat(fixed.w, 'x', fixed.h);
}

Metadata to_metadata(const ModelInfo& info) {
  Metadata metadata{{format_key, format_version},
                    {"arch", info.arch},
                    {"preset", info.preset},
                    {"classes", join(info.classes)},
                    {"input_size", info.input.to_string()},
                    {"filter", info.filter == ResizeFilter::bilinear ? "bilinear" : "bicubic"},
                    {"mean", triple_text(info.mean)},
                    {"std", triple_text(info.std)},
                    {"dtype", info.dtype},
                    {"source", info.source},
                    {"source_sha256", info.source_sha256},
                    {"converter", info.converter}};
  if (!info.calibration.empty()) metadata[calibration_key] = info.calibration;
  if (!info.cells.empty()) metadata[cells_key] = join(info.cells);
  if (info.channels == ChannelOrder::bgr) metadata[channels_key] = "bgr";
  const OptionTexts& implied = architecture_of(info).implied;
  for (const auto& [name, value] : to_text(info.options))
    if (const auto it = implied.find(name); it == implied.end() || it->second != value)
      metadata[std::string(option_prefix) + name] = value;
  return metadata;
}

bool ModelInfo::is_segmenter() const {
  return architecture_of(*this).role == Role::segmenter;
}

std::vector<std::string> cells_of(const ModelInfo& info) {
  if (!info.is_segmenter()) return {};
  return info.cells.empty() ? usual_cells(info.classes) : info.cells;
}

void check_format(const Metadata& metadata, ErrorKind kind) {
  const auto format = metadata.find(format_key);
  if (format == metadata.end())
    throw Error(kind, cat("not a Giemsa model (its metadata has no '", format_key, "')"), {Hint::Kind::convert});
  check(format->second == format_version, kind, format_key, " is ", in_quotes(format->second), ", this version reads '",
        format_version, "'; convert the checkpoint again");
}

ModelInfo from_metadata(const Metadata& metadata, ErrorKind kind) {
  check_format(metadata, kind);
  Metadata rest = metadata;
  rest.erase(format_key);
  const auto take = [&](const std::string& key) {
    const auto entry = rest.extract(key);
    check(!entry.empty(), kind, "metadata entry ", in_quotes(key), " is missing");
    return entry.mapped();
  };
  ModelInfo info;
  info.arch = take("arch");
  info.preset = take("preset");
  info.classes = parse_classes(take("classes"), kind);
  info.input = InputSize::parse(take("input_size"), kind);
  info.filter = parse_filter(take("filter"), kind);
  info.mean = parse_triple(take("mean"), kind, "mean");
  info.std = parse_triple(take("std"), kind, "std");
  check(std::ranges::min(info.std) > 0, kind, "std: ", in_quotes(triple_text(info.std)), " is not positive");
  info.dtype = take("dtype");
  check(info.dtype == "fp32" || info.dtype == "fp16" || info.dtype == "bf16" || info.dtype == "int8", kind,
        "dtype: ", in_quotes(info.dtype), " is none of fp32, fp16, bf16, int8");
  info.source = take("source");
  info.source_sha256 = take("source_sha256");
  info.converter = take("converter");
  if (rest.contains(calibration_key)) info.calibration = take(calibration_key);
  if (rest.contains(channels_key)) info.channels = parse_channels(take(channels_key), kind);
  if (rest.contains(cells_key)) info.cells = parse_cells(take(cells_key), info.classes, kind);
  OptionTexts options;
  for (const auto& [key, value] : rest) {
    check(key.starts_with(option_prefix), kind, "unknown metadata entry ", in_quotes(key));
    options[key.substr(option_prefix.size())] = value;
  }
  const Architecture& row = architecture(info.arch, kind);
  preset_of(row, info.preset, kind);
  for (const auto& [name, value] : row.implied) options.try_emplace(name, value);
  info.options = row.parse(options, kind);
  row.check(info, kind);
  check(row.role == Role::segmenter || info.cells.empty(), kind, "cells: ", info.arch,
        " is a classifier, whose classes are all cells");
  return info;
}

}  // namespace giemsa
