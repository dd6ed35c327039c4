// Families of DeepLabv3(+) checkpoints. A preset says what the keys do not show (option values) and what the layers are
// called (layout). One file per family in presets/.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nets/architecture.h"
#include "nets/deeplab/layout.h"
#include "nets/deeplab/options.h"

namespace giemsa {

/// What a family's MobileNetV2 has of its own.
struct MobileNetV2Rules {
  DilationRule dilation;
  BlockPadding block_padding;
};

struct DeepLabPreset {
  std::string_view arch, name;
  std::vector<std::int64_t> output_strides;  ///< that the family has; the first is its default
  std::vector<Separable> separable;          ///< variants that the family has; the first is its default
  std::string separable_key = {};            ///< a tensor that only the second variant has
  std::string backbone = {};  ///< prefix of a ResNet's keys, "encoder."; empty: they are not torchvision's
  bool basic_blocks = false;  ///< has ResNet-18 and 34 too
  std::optional<MobileNetV2Rules> mobilenet_v2 = {};  ///< absent: the family has none
  bool any_depth = false;                             ///< may end at layer2 or layer3
  bool fixed_upsampling = false;  ///< upsamples by factors, so input sides must be multiples of the output stride
  ImageDefaults image = {};
  DeepLabOptions (*options)(std::int64_t output_stride);
  DeepLabLayout (*layout)(Separable separable, Body body);
  /// Keys of tensors that are constants of the architecture; throws Error(model) where one has another value. May be
  /// null.
  std::vector<std::string> (*constants)(const TensorMap& tensors) = nullptr;
};

std::span<const DeepLabPreset> deeplab_presets();

/// Throws Error(internal) where there is none.
const DeepLabPreset& deeplab_preset(std::string_view arch, std::string_view name);

// The families, for the table in presets.cpp.
DeepLabPreset smp_preset();
DeepLabPreset smp_v3_preset();
DeepLabPreset vainf_preset();
DeepLabPreset vainf_v3_preset();
DeepLabPreset jfzhang95_preset();
DeepLabPreset mmseg_preset();
DeepLabPreset matlab_preset();
DeepLabPreset torchvision_preset();

}  // namespace giemsa
