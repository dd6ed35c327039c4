#include "nets/mobilenet_v2.h"

#include <algorithm>
#include <array>

namespace giemsa {

namespace {

/// Blocks of one width.
struct Group {
  std::int64_t expansion, channels;
  int blocks;
  std::int64_t stride;  ///< of the first
  std::size_t stage;    ///< 0..3
};
constexpr std::array<Group, 7> groups{{{1, 16, 1, 1, 0},
                                       {6, 24, 2, 2, 0},
                                       {6, 32, 3, 2, 1},
                                       {6, 64, 4, 2, 2},
                                       {6, 96, 3, 1, 2},
                                       {6, 160, 3, 2, 3},
                                       {6, 320, 1, 1, 3}}};
constexpr std::size_t low_level_block = 3;  ///< of features.0 and up: the last of 24 channels

/// Of a group whose first block brings the nominal stride from `before` to `after`.
std::int64_t dilation_of(std::int64_t before, std::int64_t after, bool first, const BodyOptions& options) {
  const std::int64_t kept = std::max<std::int64_t>(1, before / options.output_stride);
  const std::int64_t dilation = std::max<std::int64_t>(1, after / options.output_stride);
  switch (options.dilation) {
    case DilationRule::contracted:
      return first ? kept : dilation;
    case DilationRule::lagging:
      return kept;
    case DilationRule::uniform:
    case DilationRule::multi_grid:
      break;
  }
  return dilation;
}

struct InvertedResidualShape {
  std::int64_t expansion, channels, stride, dilation;
  bool residual;
};

/// projection(relu6(depthwise(relu6(expansion(x))))), to which x is added where it has the same shape.
ValueId inverted_residual(Layers& layers, ValueId x, const InvertedResidualNames& names,
                          const InvertedResidualShape& shape, const BodyOptions& options) {
  const float eps = options.bn_eps;
  const bool padded_ahead = options.block_padding != BlockPadding::inside && shape.expansion != 1;
  ValueId y = x;
  if (shape.expansion != 1)
    y = layers.conv_bn_relu(
        names.expansion, y,
        {.out_channels = shape.expansion * layers.shape(x)[1], .padding = padded_ahead ? shape.dilation : 0}, eps,
        relu6);
  const std::int64_t wide = layers.shape(y)[1];
  ConvShape depthwise{
      .out_channels = wide, .kernel = 3, .stride = shape.stride, .dilation = shape.dilation, .groups = wide};
  if (padded_ahead) depthwise.padding = 0;
  y = layers.conv_bn_relu(names.depthwise, y, depthwise, eps, relu6);
  y = layers.conv_bn(names.projection, y, {.out_channels = shape.channels}, eps);
  return shape.residual ? layers.add(names.block + ".add", Add{}, {x, y}) : y;
}

/// `conv.<n>`, counted up from block to block of the same kind.
InvertedResidualNames block_names(const std::string& block, bool expands, bool flat) {
  int next = 0;
  const auto conv_bn_relu = [&]() -> ConvNames {
    const std::string conv = cat(block, ".conv.", next);
    next += flat ? 3 : 1;
    if (flat) return {.conv = conv, .bn = cat(block, ".conv.", next - 2)};
    return {.conv = conv + ".0", .bn = conv + ".1"};
  };
  InvertedResidualNames names{.block = block};
  if (expands) names.expansion = conv_bn_relu();
  names.depthwise = conv_bn_relu();
  names.projection = {.conv = cat(block, ".conv.", next), .bn = cat(block, ".conv.", next + 1)};
  return names;
}

std::size_t block_count() {
  return last_block_of_stage(3) + 1;
}

}  // namespace

std::size_t last_block_of_stage(std::size_t stage) {
  std::size_t blocks = 0;
  for (const Group& group : groups)
    if (group.stage <= stage) blocks += static_cast<std::size_t>(group.blocks);
  return blocks - 1;
}

MobileNetV2Names torchvision_mobilenet_v2_names(const std::string& prefix) {
  const std::string features = prefix + "features.";
  MobileNetV2Names names{.stem = {.conv = features + "0.0", .bn = features + "0.1"}};
  for (std::size_t i = 1; i <= block_count(); ++i) names.blocks.push_back(block_names(cat(features, i), i > 1, false));
  const std::string last = cat(features, block_count() + 1);
  names.last = {.conv = last + ".0", .bn = last + ".1"};
  return names;
}

MobileNetV2Names split_mobilenet_v2_names(const std::string& prefix, bool flat) {
  const std::string low = prefix + "low_level_features.", high = prefix + "high_level_features.";
  MobileNetV2Names names{.stem = {.conv = low + "0.0", .bn = low + "0.1"}};
  for (std::size_t i = 1; i <= block_count(); ++i)
    names.blocks.push_back(block_names(cat(i <= low_level_block ? low : high, i), i > 1, flat));
  return names;
}

BodyFeatures mobilenet_v2(Layers& layers, ValueId image, const MobileNetV2Names& names, const BodyOptions& options) {
  ConvShape stem{.out_channels = 32, .kernel = 3, .stride = 2};
  if (options.block_padding == BlockPadding::ahead_bare_stem) stem.padding = 0;
  ValueId x = layers.conv_bn_relu(names.stem, image, stem, options.bn_eps, relu6);  // {1,3,224,224} -> {1,32,112,112}

  // At output stride 16: -> {1,16,112,112} -> {1,24,56,56} -> {1,32,28,28} -> {1,64,14,14} -> {1,96,14,14}
  // -> {1,160,14,14} -> {1,320,14,14} -> {1,1280,14,14}
  const auto stages = static_cast<std::size_t>(options.stages);
  ValueId low_level = x;
  std::int64_t nominal_stride = 2;
  auto block = names.blocks.begin();
  for (const Group& group : groups) {
    if (group.stage >= stages) break;
    const std::int64_t before = nominal_stride;
    nominal_stride *= group.stride;
    for (int i = 0; i < group.blocks; ++i, ++block) {
      const bool first = i == 0;
      x = inverted_residual(layers, x, *block,
                            {.expansion = group.expansion,
                             .channels = group.channels,
                             .stride = first && nominal_stride <= options.output_stride ? group.stride : 1,
                             .dilation = dilation_of(before, nominal_stride, first, options),
                             .residual = !first},
                            options);
    }
    if (group.stage == 0) low_level = x;
  }
  if (stages == 4 && !names.last.conv.empty())
    x = layers.conv_bn_relu(names.last, x, {.out_channels = 1280}, options.bn_eps, relu6);
  return {low_level, x};
}

}  // namespace giemsa
