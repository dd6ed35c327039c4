#include "nets/deeplab/presets.h"

namespace giemsa {

std::span<const DeepLabPreset> deeplab_presets() {
  static const std::vector<DeepLabPreset> presets{smp_preset(),    vainf_preset(),   jfzhang95_preset(),
                                                  mmseg_preset(),  matlab_preset(),  torchvision_preset(),
                                                  smp_v3_preset(), vainf_v3_preset()};
  return presets;
}

const DeepLabPreset& deeplab_preset(std::string_view arch, std::string_view name) {
  for (const DeepLabPreset& preset : deeplab_presets())
    if (preset.arch == arch && preset.name == name) return preset;
  fail(ErrorKind::internal, "no preset ", name, " of ", arch);
}

}  // namespace giemsa
