// DeepLabv3 and DeepLabv3+ as rows of the table of architectures.
#include <algorithm>

#include "nets/deeplab/deeplab.h"
#include "nets/deeplab/presets.h"

namespace giemsa {

namespace {

const DeepLabOptions& options_of(const ModelInfo& info) {
  return std::get<DeepLabOptions>(info.options);
}

Body body_of(const DeepLabPreset& preset, const TensorMap& tensors) {
  if (preset.mobilenet_v2) {
    const DeepLabLayout layout = preset.layout(preset.separable.front(), Body::mobilenet_v2);
    if (tensors.contains(first_layer(layout.backbone) + ".weight")) return Body::mobilenet_v2;
  }
  return preset.backbone.empty() ? Body::resnet50 : resnet_body(tensors, preset.backbone).value_or(Body::resnet50);
}

bool has_body(const DeepLabPreset& preset, Body body) {
  if (!is_resnet(body)) return preset.mobilenet_v2.has_value();
  return body == Body::resnet50 || (!preset.backbone.empty() && (preset.basic_blocks || shape_of(body).bottleneck));
}

void check_input_size(const DeepLabPreset& preset, const DeepLabOptions& options, Size2 size, ErrorKind kind) {
  check(!preset.fixed_upsampling ||
            (size.h % options.backbone.output_stride == 0 && size.w % options.backbone.output_stride == 0),
        kind, "input size: ", size.w, 'x', size.h, " is no multiple of the output stride ",
        options.backbone.output_stride, ", as preset ", preset.name, " needs");
}

void check_info(const ModelInfo& info, ErrorKind kind) {
  const DeepLabPreset& preset = deeplab_preset(info.arch, info.preset);
  const DeepLabOptions& options = options_of(info);
  const OptionTexts texts = to_text(options);
  const std::int64_t stride = options.backbone.output_stride;
  check(std::ranges::count(preset.output_strides, stride) == 1, kind, "output_stride: preset ", preset.name,
        " has no output stride of ", stride);
  check(has_body(preset, options.backbone.body), kind, "backbone: preset ", preset.name, " has no ",
        texts.at("backbone"));
  check(options.backbone.stages == 4 || preset.any_depth, kind, "stages: preset ", preset.name, " has all 4");
  check(std::ranges::count(preset.separable, options.separable) == 1, kind, "separable: preset ", preset.name,
        " has no variant ", texts.at("separable"));

  // These decide which layers there are, so the layout answers for them.
  const OptionTexts defaults = to_text(preset.options(stride));
  for (const char* name : {"stem", "aspp_pool", "after_aspp", "decoder"})
    check(texts.at(name) == defaults.at(name), kind, name, ": checkpoints of preset ", preset.name, " have ",
          in_quotes(defaults.at(name)), ", not ", in_quotes(texts.at(name)));
  check((options.decoder_concat == DecoderConcat::none) == (info.arch == "deeplabv3"), kind,
        "decoder_concat: ", texts.at("decoder_concat"), " does not go with ", info.arch);
  check(!options.centre_offset || info.arch == "deeplabv3plus", kind, "centre_offset: ", info.arch,
        " has no decoder for a centre head");
  if (info.input.long_side == 0) check_input_size(preset, options, info.input.fixed, kind);
}

/// The network itself: `deeplabv3` or `deeplabv3plus`.
template <auto network>
ValueId build_deeplab(Layers& layers, ValueId image, const ModelInfo& info) {
  const DeepLabPreset& preset = deeplab_preset(info.arch, info.preset);
  const DeepLabOptions& options = options_of(info);
  check_input_size(preset, options, layers.size(image), ErrorKind::usage);
  return network(layers, image, preset.layout(options.separable, options.backbone.body), options,
                 static_cast<std::int64_t>(info.classes.size()));
}

/// The last stage that the body computes: the one that gives as many channels as the ASPP takes.
std::int64_t stages_of(const DeepLabPreset& preset, const DeepLabOptions& options, const TensorMap& tensors) {
  const DeepLabLayout layout = preset.layout(options.separable, options.backbone.body);
  const auto extent = [&](const std::string& layer, int axis) -> std::int64_t {
    const auto it = tensors.find(layer + ".weight");
    return it == tensors.end() || it->second.shape().rank() != 4 ? 0 : it->second.shape()[axis];
  };
  const std::int64_t taken = extent(layout.aspp[0].conv, 1);
  for (std::size_t stage = 4; stage-- > 1;)
    if (taken > 0 && extent(last_layer(layout.backbone, stage), 0) == taken)
      return static_cast<std::int64_t>(stage) + 1;
  return 4;
}

/// Keys of the stages that the network does without.
std::vector<std::string> unused_stages(const DeepLabPreset& preset, const TensorMap& tensors) {
  DeepLabOptions options = preset.options(preset.output_strides.front());
  options.separable = preset.separable.front();
  options.backbone.body = body_of(preset, tensors);
  const DeepLabLayout layout = preset.layout(options.separable, options.backbone.body);
  std::vector<std::string> keys;
  for (auto stage = static_cast<std::size_t>(stages_of(preset, options, tensors)); stage < 4; ++stage)
    for (const std::string& prefix : prefixes_of_stage(layout.backbone, stage))
      for (const auto& [key, tensor] : tensors)
        if (key.starts_with(prefix)) keys.push_back(key);
  return keys;
}

DeepLabOptions default_options(const DeepLabPreset& preset, const OptionTexts& given, const TensorMap& tensors) {
  std::int64_t output_stride = preset.output_strides.front();
  if (const auto it = given.find("output_stride"); it != given.end())
    output_stride = parse_int(it->second, ErrorKind::usage, "output_stride");
  DeepLabOptions options = preset.options(output_stride);
  options.separable = preset.separable.front();
  options.backbone.body = body_of(preset, tensors);
  if (const auto it = given.find("backbone"); it != given.end() && it->second == body_words.back())
    options.backbone.body = Body::mobilenet_v2;
  if (preset.mobilenet_v2 && options.backbone.body == Body::mobilenet_v2) {
    options.backbone.dilation = preset.mobilenet_v2->dilation;
    options.backbone.block_padding = preset.mobilenet_v2->block_padding;
  }
  if (preset.separable.size() > 1 && tensors.contains(preset.separable_key)) options.separable = preset.separable[1];
  if (preset.any_depth) options.backbone.stages = stages_of(preset, options, tensors);
  // A body that the family does not have is refused later; there are no names of its layers to look for.
  if (preset.mobilenet_v2 || options.backbone.body != Body::mobilenet_v2) {
    const DeepLabLayout layout = preset.layout(options.separable, options.backbone.body);
    options.centre_offset = tensors.contains(layout.centre_offsets + ".weight");
  }
  return options;
}

bool fits(const DeepLabPreset& preset, const TensorMap& tensors) {
  const DeepLabLayout layout = preset.layout(preset.separable.front(), body_of(preset, tensors));
  const std::string& characteristic =
      layout.low_level.conv.empty() ? layout.after_aspp.back().conv : layout.low_level.conv;
  return std::ranges::all_of(std::array{first_layer(layout.backbone), characteristic, layout.classifier},
                             [&](const std::string& layer) { return tensors.contains(layer + ".weight"); });
}

std::vector<Preset> presets_of(std::string_view arch) {
  std::vector<Preset> presets;
  for (const DeepLabPreset& each : deeplab_presets()) {
    if (each.arch != arch) continue;
    const DeepLabPreset* preset = &each;  // lives as long as the program
    presets.push_back(
        {.name = preset->name,
         .image = preset->image,
         .options = [preset](const OptionTexts& given,
                             const TensorMap& tensors) { return default_options(*preset, given, tensors); },
         .fits = [preset](const TensorMap& tensors) { return fits(*preset, tensors); }});
    if (preset->constants) presets.back().constants = preset->constants;
    if (preset->any_depth)
      presets.back().constants = [preset](const TensorMap& tensors) { return unused_stages(*preset, tensors); };
    const char* resnets = preset->basic_blocks ? "resnets" : preset->backbone.empty() ? "resnet50" : "bottlenecks";
    presets.back().bodies = cat(resnets, preset->mobilenet_v2 ? ", mobilenet_v2" : "");
    presets.back().output_strides = preset->output_strides;
  }
  return presets;
}

template <auto network>
Architecture row(std::string_view name) {
  return {
      .name = name,
      .role = Role::segmenter,
      .has_linear_layers = false,
      .presets = presets_of(name),
      .implied = {{"backbone", "resnet50"}, {"stages", "4"}, {"block_padding", "inside"}, {"centre_offset", "false"}},
      .parse = [](const OptionTexts& texts, ErrorKind kind) -> NetworkOptions {
        return parse_deeplab_options(texts, kind);
      },
      .check = check_info,
      .size_multiple =
          [](const NetworkOptions& options) { return std::get<DeepLabOptions>(options).backbone.output_stride; },
      .logits_layer =
          [](const ModelInfo& info) {
            return deeplab_preset(info.arch, info.preset)
                .layout(options_of(info).separable, options_of(info).backbone.body)
                .classifier;
          },
      .centre_layer =
          [](const ModelInfo& info) {
            const DeepLabOptions& options = options_of(info);
            return options.centre_offset ? deeplab_preset(info.arch, info.preset)
                                               .layout(options.separable, options.backbone.body)
                                               .centre_offsets
                                         : std::string();
          },
      .build = build_deeplab<network>};
}

}  // namespace

Architecture deeplabv3plus_architecture() {
  return row<deeplabv3plus>("deeplabv3plus");
}

Architecture deeplabv3_architecture() {
  return row<deeplabv3>("deeplabv3");
}

}  // namespace giemsa
