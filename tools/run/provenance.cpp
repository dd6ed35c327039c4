#include "tools/run/provenance.h"

namespace giemsa {
namespace {

std::string described(const ModelFile& file) {
  return cat(file.file, " (", file.arch, '/', file.preset, ", sha256 ", file.sha256, ")");
}

}  // namespace

std::vector<std::pair<const char*, std::string>> provenance(const RunInfo& info, bool segmented) {
  std::vector<std::pair<const char*, std::string>> rows = {
      {"giemsa", GIEMSA_VERSION}, {"device", info.device}, {"precision", info.precision}};
  if (segmented) {
    const auto options = finding_texts(info.options);
    rows.insert(rows.end(), {{"segmenter", described(info.segmenter)},
                             {"segment size", options.at("segment_size")},
                             {"threshold", options.at("threshold")},
                             {"least area", options.at("min_area") + " pixels"},
                             {"crop", options.at("crop")},
                             {"split", options.at("split")},
                             {"mask resolution", options.at("mask_resolution")}});
  }
  rows.emplace_back("classifier", described(info.classifier));
  if (!info.profile.empty()) rows.emplace_back("profile", cat(info.profile, " (sha256 ", info.profile_sha256, ")"));
  return rows;
}

}  // namespace giemsa
