// The architectures that there are: a row each, with everything that is known of a network but its weights.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "nets/layers.h"
#include "nets/model_info.h"
#include "weights/safetensors.h"

namespace giemsa {

/// How a family's training code prepares images.
struct ImageDefaults {
  InputSize input{{224, 224}, 0};
  ResizeFilter filter = ResizeFilter::bilinear;
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f}, std{0.229f, 0.224f, 0.225f};
};

/// A family of checkpoints of an architecture: what its keys do not show, and what its layers are called.
struct Preset {
  std::string_view name;
  std::string bodies = {};  ///< for people: which bodies the family has, all "resnets" or those of "bottlenecks"
  std::vector<std::int64_t> output_strides = {};  ///< that it has, the default first; empty: the body never dilates
  ImageDefaults image = {};
  /// The options of the network whose checkpoint holds `tensors`; `given` are options that the person chose, on which
  /// others may depend.
  std::function<NetworkOptions(const OptionTexts& given, const TensorMap& tensors)> options;
  /// Whether `tensors` are plainly of this family: its first and last layers are among them.
  std::function<bool(const TensorMap& tensors)> fits;
  /// Keys of tensors that are constants of the architecture. Throws Error(model) where one has another value.
  std::function<std::vector<std::string>(const TensorMap& tensors)> constants = [](const TensorMap&) {
    return std::vector<std::string>{};
  };
};

struct Architecture {
  std::string_view name;  ///< "alexnet": in model files and results
  Role role;
  bool has_linear_layers;       ///< whose weights a file may hold as int8
  std::vector<Preset> presets;  ///< the first is what networks of random weights have
  OptionTexts implied = {};     ///< values of options that came later, in the files that lack them

  /// The options that `texts` hold. Throws Error(kind), naming the option, where one is missing, unknown or out of
  /// range.
  NetworkOptions (*parse)(const OptionTexts& texts, ErrorKind kind);
  /// Throws Error(kind) where the options, the preset and the input's size do not go together.
  void (*check)(const ModelInfo& info, ErrorKind kind);
  /// Multiple that the sides of the input must have.
  std::int64_t (*size_multiple)(const NetworkOptions& options);
  /// Prefix of the layer that gives the logits.
  std::string (*logits_layer)(const ModelInfo& info);
  /// Prefix of the layer that gives a centre head's result; empty where the network has none.
  std::string (*centre_layer)(const ModelInfo& info) = [](const ModelInfo&) { return std::string(); };
  /// Normalised image {N,3,H,W} -> logits: segmenters {N,classes,H,W}, classifiers {N,classes}. Throws Error(usage)
  /// where the network cannot take an image of this size.
  ValueId (*build)(Layers& layers, ValueId image, const ModelInfo& info);
};

const std::vector<Architecture>& architectures();

/// Their names, for people: "deeplabv3plus, deeplabv3, alexnet".
std::string architecture_names();

/// Throw Error(kind), naming those that there are, where there is none of that name.
const Architecture& architecture(std::string_view name, ErrorKind kind);
const Preset& preset_of(const Architecture& architecture, std::string_view name, ErrorKind kind);

/// The row of `info`, which names one that exists.
const Architecture& architecture_of(const ModelInfo& info);

/// What a converted checkpoint says about itself, as the preset has it but where `given` (option name -> text) says
/// otherwise. Classes, dtype and provenance stay empty. Throws Error(usage).
ModelInfo preset_info(const std::string& arch, const std::string& preset, const OptionTexts& given,
                      const TensorMap& tensors);

}  // namespace giemsa
