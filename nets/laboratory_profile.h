// A laboratory's profile: the classifier's last layer as it was fitted to the laboratory's own cells, in a file (JSON) of
// its own beside the models, which stay as they are.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "nets/last_layer.h"

namespace giemsa {

/// An image whose cells a profile was made from.
struct SeenImage {
  std::string name, sha256;
  friend bool operator==(const SeenImage&, const SeenImage&) = default;
};

struct LaboratoryProfile {
  std::string classifier;            ///< last_layer_mark() of the model that it belongs to
  std::vector<std::string> classes;  ///< that model's
  LastLayer layer;
  std::string note;  ///< what it was made from, for people
  std::vector<SeenImage> images;
};

std::string profile_text(const LaboratoryProfile& profile);

/// The inverse. Throws Error(usage), naming what is wrong; the caller adds the file.
LaboratoryProfile parse_profile(std::string_view text);

/// Throws Error(usage), naming the file.
LaboratoryProfile read_profile(const std::filesystem::path& file);

/// `classifier` with the profile's last layer. Throws Error(usage), naming `file`, where the profile was made for
/// another model.
Model adapted(Model classifier, const LaboratoryProfile& profile, const std::string& file);

}  // namespace giemsa
