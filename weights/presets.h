// Presets: checkpoint families by name. A preset says what the keys of its checkpoints do not show (option values) and
// what their layers are called (layout). One file a family in presets/.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/tensor.h"
#include "weights/layout.h"
#include "weights/model_info.h"
#include "weights/options.h"

namespace giemsa {

using TensorMap = std::map<std::string, Tensor>;

/// How the family's training code prepares pictures.
struct PictureDefaults {
  InputSize input{{224, 224}, 0};
  ResizeFilter filter = ResizeFilter::bilinear;
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f}, std{0.229f, 0.224f, 0.225f};
};

struct DeepLabPreset {
  std::string_view arch, name;
  std::vector<std::int64_t> output_strides;  ///< that the family has; the first is its default
  std::vector<Separable> separable;          ///< variants that the family has; the first is its default
  std::string separable_key = {};            ///< a tensor that only the second variant has
  bool fixed_upsampling = false;  ///< upsamples by factors, so input sides must be multiples of the output stride
  PictureDefaults picture = {};
  DeepLabOptions (*options)(std::int64_t output_stride);
  DeepLabLayout (*layout)(Separable separable);
  /// Keys of tensors that are constants of the architecture; throws Error(model) where one has another value. May be
  /// null.
  std::vector<std::string> (*constants)(const TensorMap& tensors) = nullptr;
};

struct AlexNetPreset {
  std::string_view name;
  PictureDefaults picture = {};
  AlexNetOptions options = {};  ///< but for `layers`
  std::vector<std::string> (*layers)(const TensorMap& tensors);
};

/// Throw Error(kind), naming the presets there are, where there is none of that name.
const DeepLabPreset& deeplab_preset(const std::string& arch, const std::string& name, ErrorKind kind);
const AlexNetPreset& alexnet_preset(const std::string& name, ErrorKind kind);

/// The options of `info`, checked against its preset. Throw Error(kind).
DeepLabOptions deeplab_options(const ModelInfo& info, ErrorKind kind);
AlexNetOptions alexnet_options(const ModelInfo& info, ErrorKind kind);

/// Arch, preset, picture and option values for a checkpoint's tensors, as the preset has them but where `overrides`
/// (option name -> text) says otherwise. Classes, dtype and provenance stay empty. Throws Error(usage).
ModelInfo preset_info(const std::string& arch, const std::string& preset, const OptionTexts& overrides,
                      const TensorMap& tensors);

/// Prefix of the layer that gives the logits. Throws Error(kind).
std::string logits_layer(const ModelInfo& info, ErrorKind kind);

/// The presets, as "--arch deeplabv3plus --preset smp", whose first and last layers are among `tensors`.
std::vector<std::string> fitting_presets(const TensorMap& tensors);

/// Tensors of a checkpoint that inference does without: counters, auxiliary heads, the backbone's own classifier.
bool is_dispensable(std::string_view key);

// The families, for the table in presets.cpp.
DeepLabPreset smp_preset();
DeepLabPreset vainf_preset();
DeepLabPreset jfzhang95_preset();
DeepLabPreset mmseg_preset();
DeepLabPreset matlab_preset();
DeepLabPreset torchvision_deeplabv3_preset();
AlexNetPreset torchvision_alexnet_preset();
AlexNetPreset caffe_alexnet_preset();
AlexNetPreset matlab_alexnet_preset();

}  // namespace giemsa
