#include "nets/resnet.h"

#include <algorithm>

namespace giemsa {

namespace {

/// Dilation of block `block` of stage `stage` (0..3). A stage whose nominal stride (4, 8, 16, 32) exceeds the output
/// stride keeps its resolution and dilates instead.
std::int64_t dilation_of(std::size_t stage, std::size_t block, const DeepLabOptions& options) {
  const std::int64_t dilation = std::max<std::int64_t>(1, (4 << stage) / options.output_stride);
  switch (options.dilation) {
    case DilationRule::contracted:
      return block == 0 ? std::max<std::int64_t>(1, dilation / 2) : dilation;
    case DilationRule::uniform:
      return dilation;
    case DilationRule::multi_grid:
      return stage == 3 ? dilation << block : dilation;
  }
  return dilation;
}

ValueId stem(Layers& layers, ValueId image, const ResNetNames& names, const DeepLabOptions& options) {
  const float eps = options.backbone_bn_eps;
  ValueId x = image;
  if (options.stem == StemKind::conv7x7) {
    x = layers.conv_bn_relu(names.stem[0], x, {.out_channels = 64, .kernel = 7, .stride = 2}, eps);
  } else {
    x = layers.conv_bn_relu(names.stem[0], x, {.out_channels = 32, .kernel = 3, .stride = 2}, eps);
    x = layers.conv_bn_relu(names.stem[1], x, {.out_channels = 32, .kernel = 3}, eps);
    x = layers.conv_bn_relu(names.stem[2], x, {.out_channels = 64, .kernel = 3}, eps);
  }
  MaxPool pool{.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}};
  if (options.stem_pool == PoolPadding::same) {
    // Even sides lack one row or column, which 'same' puts behind: no padding in front and sizes rounded up. Odd sides
    // lack two.
    pool.padding = {layers.size(x).h % 2, layers.size(x).w % 2};
    pool.ceil_mode = true;
  }
  return layers.add(names.pool, pool, {x});
}

/// x + conv3(relu(conv2(relu(conv1(x))))), then ReLU; the shortcut is a 1x1 where shapes change.
ValueId bottleneck(Layers& layers, ValueId x, const BottleneckNames& names, std::int64_t channels, std::int64_t stride,
                   std::int64_t dilation, const DeepLabOptions& options) {
  const float eps = options.backbone_bn_eps;
  const bool first = options.stride_on == StridePlace::conv1;
  ValueId y = layers.conv_bn_relu(names.conv1, x, {.out_channels = channels, .stride = first ? stride : 1}, eps);
  y = layers.conv_bn_relu(
      names.conv2, y, {.out_channels = channels, .kernel = 3, .stride = first ? 1 : stride, .dilation = dilation}, eps);
  y = layers.conv_bn(names.conv3, y, {.out_channels = 4 * channels}, eps);
  if (!names.downsample.conv.empty())
    x = layers.conv_bn(names.downsample, x, {.out_channels = 4 * channels, .stride = stride}, eps);
  return layers.add(names.block + ".relu", Relu{}, {layers.add(names.block + ".add", Add{}, {y, x})});
}

ValueId stage(Layers& layers, ValueId x, std::size_t index, std::int64_t channels, const ResNetNames& names,
              const DeepLabOptions& options) {
  const std::int64_t nominal_stride = 4 << index;
  const std::int64_t stride = index > 0 && nominal_stride <= options.output_stride ? 2 : 1;
  const std::vector<BottleneckNames>& blocks = names.layers[index];
  for (std::size_t i = 0; i < blocks.size(); ++i)
    x = bottleneck(layers, x, blocks[i], channels, i == 0 ? stride : 1, dilation_of(index, i, options), options);
  return x;
}

}  // namespace

std::array<std::vector<BottleneckNames>, 4> torchvision_layers(const std::string& prefix) {
  constexpr std::array<int, 4> depths{3, 4, 6, 3};
  std::array<std::vector<BottleneckNames>, 4> layers;
  for (std::size_t stage = 0; stage < depths.size(); ++stage) {
    for (int i = 0; i < depths[stage]; ++i) {
      const std::string block = cat(prefix, "layer", stage + 1, '.', i);
      layers[stage].push_back({.block = block,
                               .conv1 = {.conv = block + ".conv1", .bn = block + ".bn1"},
                               .conv2 = {.conv = block + ".conv2", .bn = block + ".bn2"},
                               .conv3 = {.conv = block + ".conv3", .bn = block + ".bn3"}});
    }
    const std::string shortcut = layers[stage][0].block + ".downsample.";
    layers[stage][0].downsample = {.conv = shortcut + "0", .bn = shortcut + "1"};
  }
  return layers;
}

ResNetFeatures resnet50(Layers& layers, ValueId image, const ResNetNames& names, const DeepLabOptions& options) {
  // Shapes at output stride 16.
  ValueId x = stem(layers, image, names, options);                      // {1,3,224,224}   -> {1,64,56,56}
  const ValueId low_level = stage(layers, x, 0, 64, names, options);    // {1,64,56,56}    -> {1,256,56,56}
  x = stage(layers, low_level, 1, 128, names, options);                 // {1,256,56,56}   -> {1,512,28,28}
  x = stage(layers, x, 2, 256, names, options);                         // {1,512,28,28}   -> {1,1024,14,14}
  const ValueId high_level = stage(layers, x, 3, 512, names, options);  // {1,1024,14,14}  -> {1,2048,14,14}
  return {low_level, high_level};
}

}  // namespace giemsa
