// Results as JSON: the document results.json, and back for runs that are resumed.
#pragma once

#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "tools/run/results.h"

namespace giemsa {

/// Keys keep the order in which they are written.
using Json = nlohmann::ordered_json;

/// The options by name; of those that a run has, first what decides which cells are found.
Json finding_json(const SmearOptions& options);
Json options_json(const RunOptions& options);

/// The document's head: schema, version, device, precision, models, settings.
Json provenance_json(const RunInfo& info);

/// What two runs must have in common for their results to be mixed in one folder.
Json identity_json(const RunInfo& info);

Json image_json(const ImageResult& image, const std::vector<std::string>& classes);

/// The inverse of image_json. Throws nlohmann::json::exception or std::out_of_range on anything else.
ImageResult image_from_json(const Json& json, const std::vector<std::string>& classes);

/// The whole of results.json.
Json document_json(const RunInfo& info, std::span<const ImageResult> images);

/// Text of `json`; `indent` < 0 is one line. File names are bytes: what is not UTF-8 becomes U+FFFD.
std::string to_text(const Json& json, int indent);

/// Null where `value` is not finite: JSON knows neither NaN nor infinity.
Json finite_json(double value);

/// `value` with so many decimals: what is written is what is meant, not the digits of the nearest double.
double rounded(double value, int decimals);

}  // namespace giemsa
