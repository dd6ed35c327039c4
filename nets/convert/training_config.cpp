#include "nets/convert/training_config.h"

#include <fstream>

#include <nlohmann/json.hpp>

#include "weights/mapped_file.h"

namespace giemsa {

namespace {

using Json = nlohmann::json;

/// The whole number under `key`, where there is one.
std::optional<std::int64_t> number(const Json& config, const char* key) {
  const auto entry = config.find(key);
  if (entry == config.end() || entry->is_null()) return {};
  check(entry->is_number_integer(), ErrorKind::model, key, " is no whole number");
  return entry->get<std::int64_t>();
}

void check_number(const Json& config, const char* key, std::int64_t expected, const char* why) {
  const std::int64_t value = number(config, key).value_or(expected);
  check(value == expected, ErrorKind::model, key, " is ", value, ", expected ", expected, ": ", why);
}

OptionTexts options_in(const Json& config) {
  OptionTexts options;
  const auto kind = config.find("_model_class");
  if (kind == config.end() || !kind->is_string() || !kind->get<std::string>().starts_with("DeepLabV3")) return options;
  const bool is_plus = kind->get<std::string>().starts_with("DeepLabV3Plus");
  if (is_plus) check_number(config, "upsampling", 4, "masks here have the size of the image");
  if (const auto depth = number(config, "encoder_depth")) options["stages"] = std::to_string(*depth - 1);
  if (const auto stride = number(config, "encoder_output_stride")) options["output_stride"] = std::to_string(*stride);
  if (const auto rates = config.find("decoder_atrous_rates"); rates != config.end() && rates->is_array()) {
    std::vector<std::string> parts;
    for (const Json& rate : *rates) {
      check(rate.is_number_integer(), ErrorKind::model, "decoder_atrous_rates holds something else than whole numbers");
      parts.push_back(std::to_string(rate.get<std::int64_t>()));
    }
    options["aspp_rates"] = join(parts);
  }
  return options;
}

}  // namespace

OptionTexts read_training_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  std::error_code missing;
  if (!std::filesystem::is_regular_file(path, missing)) return {};
  return naming(path.string(), [&] {
    std::ifstream in(path);
    const Json config = Json::parse(in, nullptr, false);
    check(config.is_object(), ErrorKind::model, "is no JSON object");
    return options_in(config);
  });
}

}  // namespace giemsa
