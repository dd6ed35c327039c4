// The options of a run, named once: for the command line, results.json, pages, and what a resumed run must not change.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "nets/smear.h"
#include "tools/image_io/decode.h"

namespace giemsa {

struct RunOptions : SmearOptions {
  std::int64_t max_pixels = DecodeLimits{}.max_pixels;  ///< larger images are refused
  bool crops = false, geojson = false;                  ///< whether these are written too
};

// The words for the values of these options, in their order.
inline constexpr std::array<std::string_view, 2> crop_words{"tight", "matlab"};
inline constexpr std::array<std::string_view, 3> split_words{"none", "distance", "centre"};
inline constexpr std::array<std::string_view, 2> mask_resolution_words{"network", "frame"};

/// Shows `visit` every option that decides which cells are found, in the order of results.json: its name there
/// ("min_area"), which with dashes is that of the command line's option, the value, and the words for it if any.
template <class Options, class Visitor>
void visit_finding(Options& options, Visitor&& visit) {
  visit("segment_size", options.segment_size);
  visit("min_area", options.min_area);
  visit("threshold", options.threshold);
  visit("crop", options.crop, crop_words);
  visit("split", options.split, split_words);
  visit("mask_resolution", options.mask_at_frame_resolution, mask_resolution_words);
}

/// Those that only a run has, likewise.
template <class Options, class Visitor>
void visit_run(Options& options, Visitor&& visit) {
  visit("min_probability", options.min_probability);
  visit("max_pixels", options.max_pixels);
  visit("crops", options.crops);
  visit("geojson", options.geojson);
}

/// What decides which cells are found, by name, for people.
std::map<std::string, std::string> finding_texts(const SmearOptions& options);

}  // namespace giemsa
