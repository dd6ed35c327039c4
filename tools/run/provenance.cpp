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
    const SmearOptions& options = info.options;
    rows.insert(rows.end(), {{"segmenter", described(info.segmenter)},
                             {"segment size", options.segment_size.value().to_string()},
                             {"threshold", cat(options.threshold)},
                             {"least area", cat(options.min_area, " pixels")},
                             {"crop", options.crop == CropMode::tight ? "tight" : "matlab"},
                             {"mask resolution", options.mask_at_frame_resolution ? "frame" : "network"}});
  }
  rows.emplace_back("classifier", described(info.classifier));
  return rows;
}

}  // namespace giemsa
