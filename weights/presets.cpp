#include "weights/presets.h"

#include <algorithm>

#include "weights/byte_view.h"
#include "weights/text.h"

namespace giemsa {

namespace {

const std::vector<DeepLabPreset>& deeplab_presets() {
  static const std::vector<DeepLabPreset> presets{smp_preset(),   vainf_preset(),  jfzhang95_preset(),
                                                  mmseg_preset(), matlab_preset(), torchvision_deeplabv3_preset()};
  return presets;
}

const std::vector<AlexNetPreset>& alexnet_presets() {
  static const std::vector<AlexNetPreset> presets{torchvision_alexnet_preset(), caffe_alexnet_preset(),
                                                  matlab_alexnet_preset()};
  return presets;
}

void check_arch(const std::string& arch, ErrorKind kind) {
  check(arch == "deeplabv3plus" || arch == "deeplabv3" || arch == "alexnet", kind, "architecture ", in_quotes(arch),
        " is none of deeplabv3plus, deeplabv3, alexnet");
}

[[noreturn]] void fail_unknown_preset(const std::string& arch, const std::string& name,
                                      const std::vector<std::string>& known, ErrorKind kind) {
  fail(kind, "preset ", in_quotes(name), " of ", arch, " is none of ", join(known, ", "));
}

template <class Preset>
ModelInfo info_of(const std::string& arch, const Preset& preset) {
  ModelInfo info;
  info.arch = arch;
  info.preset = preset.name;
  info.input = preset.picture.input;
  info.filter = preset.picture.filter;
  info.mean = preset.picture.mean;
  info.std = preset.picture.std;
  return info;
}

void apply(OptionTexts& options, const OptionTexts& overrides, const std::string& arch) {
  for (const auto& [name, value] : overrides) {
    check(options.contains(name), ErrorKind::usage, arch, " has no option ", in_quotes(name));
    options[name] = value;
  }
}

}  // namespace

const DeepLabPreset& deeplab_preset(const std::string& arch, const std::string& name, ErrorKind kind) {
  check_arch(arch, kind);
  std::vector<std::string> known;
  for (const DeepLabPreset& preset : deeplab_presets()) {
    if (preset.arch != arch) continue;
    if (preset.name == name) return preset;
    known.emplace_back(preset.name);
  }
  fail_unknown_preset(arch, name, known, kind);
}

const AlexNetPreset& alexnet_preset(const std::string& name, ErrorKind kind) {
  std::vector<std::string> known;
  for (const AlexNetPreset& preset : alexnet_presets()) {
    if (preset.name == name) return preset;
    known.emplace_back(preset.name);
  }
  fail_unknown_preset("alexnet", name, known, kind);
}

DeepLabOptions deeplab_options(const ModelInfo& info, ErrorKind kind) {
  const DeepLabPreset& preset = deeplab_preset(info.arch, info.preset, kind);
  DeepLabOptions options = parse_deeplab_options(info.options, kind);
  check(std::ranges::count(preset.output_strides, options.output_stride) == 1, kind, "output_stride: preset ",
        preset.name, " has no output stride of ", options.output_stride);
  check(std::ranges::count(preset.separable, options.separable) == 1, kind, "separable: preset ", preset.name,
        " has no variant ", info.options.at("separable"));

  // These decide which layers there are, so the layout answers for them.
  const OptionTexts defaults = to_text(preset.options(options.output_stride));
  for (const char* name : {"stem", "aspp_pool", "after_aspp", "decoder"})
    check(info.options.at(name) == defaults.at(name), kind, name, ": checkpoints of preset ", preset.name, " have ",
          in_quotes(defaults.at(name)), ", not ", in_quotes(info.options.at(name)));
  check((options.decoder_concat == DecoderConcat::none) == (info.arch == "deeplabv3"), kind,
        "decoder_concat: ", info.options.at("decoder_concat"), " does not go with ", info.arch);
  check(!preset.fixed_upsampling || info.input.long_side > 0 ||
            (info.input.fixed.h % options.output_stride == 0 && info.input.fixed.w % options.output_stride == 0),
        kind, "input size: ", info.input.to_string(), " is no multiple of the output stride ", options.output_stride,
        ", as preset ", preset.name, " needs");
  return options;
}

AlexNetOptions alexnet_options(const ModelInfo& info, ErrorKind kind) {
  alexnet_preset(info.preset, kind);
  check(info.input.long_side == 0, kind, "input size: alexnet needs WIDTHxHEIGHT, not the long side ",
        info.input.to_string());
  return parse_alexnet_options(info.options, kind);
}

ModelInfo preset_info(const std::string& arch, const std::string& preset_name, const OptionTexts& overrides,
                      const TensorMap& tensors) {
  check_arch(arch, ErrorKind::usage);
  if (arch == "alexnet") {
    const AlexNetPreset& preset = alexnet_preset(preset_name, ErrorKind::usage);
    ModelInfo info = info_of(arch, preset);
    AlexNetOptions options = preset.options;
    options.layers = preset.layers(tensors);
    info.options = to_text(options);
    apply(info.options, overrides, arch);
    return info;
  }

  const DeepLabPreset& preset = deeplab_preset(arch, preset_name, ErrorKind::usage);
  std::int64_t output_stride = preset.output_strides.front();
  if (const auto it = overrides.find("output_stride"); it != overrides.end())
    output_stride = parse_int(it->second, ErrorKind::usage, "output_stride");
  DeepLabOptions options = preset.options(output_stride);
  options.separable = preset.separable.front();
  if (preset.separable.size() > 1 && tensors.contains(preset.separable_key)) options.separable = preset.separable[1];
  ModelInfo info = info_of(arch, preset);
  info.options = to_text(options);
  apply(info.options, overrides, arch);
  return info;
}

std::string logits_layer(const ModelInfo& info, ErrorKind kind) {
  if (info.arch == "alexnet") return alexnet_options(info, kind).layers.back();
  return deeplab_preset(info.arch, info.preset, kind).layout(Separable::none).classifier;
}

std::vector<std::string> fitting_presets(const TensorMap& tensors) {
  const auto weight_of = [&](const std::string& layer) -> const Tensor* {
    const auto it = tensors.find(layer + ".weight");
    return it == tensors.end() ? nullptr : &it->second;
  };
  std::vector<std::string> fitting;
  const auto fits = [&](std::string_view arch, std::string_view name) {
    fitting.push_back(cat("--arch ", arch, " --preset ", name));
  };
  for (const DeepLabPreset& preset : deeplab_presets()) {
    const DeepLabLayout layout = preset.layout(preset.separable.front());
    if (weight_of(layout.backbone.stem[0].conv) &&
        weight_of(layout.low_level.conv.empty() ? layout.after_aspp.back().conv : layout.low_level.conv) &&
        weight_of(layout.classifier))
      fits(preset.arch, preset.name);
  }
  for (const AlexNetPreset& preset : alexnet_presets()) {
    const std::vector<std::string> layers = preset.layers(tensors);
    const Tensor *first = weight_of(layers.front()), *second = weight_of(layers[1]);
    if (!first || !second || !weight_of(layers.back())) continue;
    // Groups halve the second convolution's input, so the shapes tell the one tower from the two.
    if (first->shape().rank() == 4 && second->shape().rank() == 4 &&
        first->shape()[0] == second->shape()[1] * preset.options.groups)
      fits("alexnet", preset.name);
  }
  return fitting;
}

bool is_dispensable(std::string_view key) {
  constexpr std::array<std::string_view, 4> prefixes{"auxiliary_head.", "aux_classifier.", "encoder.fc.",
                                                     "backbone.fc."};
  return key.ends_with(".num_batches_tracked") ||
         std::ranges::any_of(prefixes, [&](std::string_view prefix) { return key.starts_with(prefix); });
}

}  // namespace giemsa
