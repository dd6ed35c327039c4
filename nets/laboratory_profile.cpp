#include "nets/laboratory_profile.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "weights/mapped_file.h"

namespace giemsa {

namespace {

/// JSON whose numbers are single precision, so that each is written with the digits that it has.
using Json = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool, std::int64_t, std::uint64_t, float>;

constexpr const char* format_name = "giemsa laboratory profile 1";

std::vector<float> numbers(const Json& json, const char* what, std::size_t count) {
  const auto values = json.at(what).get<std::vector<float>>();
  check(values.size() == count, ErrorKind::usage, what, ": ", values.size(), " numbers, expected ", count);
  for (const float value : values) check(std::isfinite(value), ErrorKind::usage, what, ": holds ", value);
  return values;
}

LaboratoryProfile profile_of(const Json& json) {
  check(json.is_object() && json.value("format", "") == format_name, ErrorKind::usage, "is no laboratory profile");
  LaboratoryProfile profile;
  profile.note = json.at("note");
  profile.classifier = json.at("classifier");
  profile.classes = json.at("classes").get<std::vector<std::string>>();
  const auto features = json.at("features").get<std::int64_t>();
  const auto classes = static_cast<std::int64_t>(profile.classes.size());
  constexpr std::int64_t most_features = 1 << 20;
  check(features > 0 && features <= most_features && classes > 0, ErrorKind::usage, "a last layer of ", features,
        " features and ", classes, " classes");
  profile.layer.weight = Tensor::from({classes, features}, numbers(json, "weight", static_cast<std::size_t>(classes * features)));
  profile.layer.bias = Tensor::from({classes}, numbers(json, "bias", static_cast<std::size_t>(classes)));
  for (const Json& image : json.at("images")) profile.images.push_back({image.at("name"), image.at("sha256")});
  return profile;
}

}  // namespace

std::string profile_text(const LaboratoryProfile& profile) {
  Json images = Json::array();
  for (const SeenImage& image : profile.images) images.push_back({{"name", image.name}, {"sha256", image.sha256}});
  const auto list = [](const Tensor& tensor) { return Json(std::vector<float>(tensor.as<float>().begin(), tensor.as<float>().end())); };
  const Json json = {{"format", format_name},
                     {"giemsa", GIEMSA_VERSION},
                     {"note", profile.note},
                     {"classifier", profile.classifier},
                     {"classes", profile.classes},
                     {"images", std::move(images)},
                     {"features", profile.layer.weight.shape()[1]},
                     {"bias", list(profile.layer.bias)},
                     {"weight", list(profile.layer.weight)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

LaboratoryProfile parse_profile(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  check(!json.is_discarded(), ErrorKind::usage, "is not JSON");
  try {
    return profile_of(json);
  } catch (const Json::exception& error) {
    fail(ErrorKind::usage, "is damaged: ", error.what());
  }
}

LaboratoryProfile read_profile(const std::filesystem::path& file) {
  try {
    const FileBytes content = map_file(file);  // names the file in its errors
    return naming(file.string(), [&] {
      return parse_profile({reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()});
    });
  } catch (const Error& error) {
    throw Error(ErrorKind::usage, error.what());
  }
}

Model adapted(Model classifier, const LaboratoryProfile& profile, const std::string& file) {
  check(profile.classifier == last_layer_mark(classifier) && profile.classes == classifier.info.classes,
        ErrorKind::usage, file, ": was made for another classifier than ", classifier.file, ": make it anew");
  return with_last_layer(std::move(classifier), profile.layer);
}

}  // namespace giemsa
