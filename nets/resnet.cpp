#include "nets/resnet.h"

#include <algorithm>

namespace giemsa {

namespace {

constexpr std::array<ResNetShape, 9> shapes{{{{2, 2, 2, 2}, false},
                                             {{3, 4, 6, 3}, false},
                                             {{3, 4, 6, 3}, true},
                                             {{3, 4, 23, 3}, true},
                                             {{3, 8, 36, 3}, true},
                                             {{3, 4, 6, 3}, true, 32, 4},
                                             {{3, 4, 23, 3}, true, 32, 8},
                                             {{3, 4, 6, 3}, true, 1, 128},
                                             {{3, 4, 23, 3}, true, 1, 128}}};
static_assert(shapes.size() == resnet_bodies);

/// Dilation of block `block` of stage `stage` (0..3). A stage whose nominal stride (4, 8, 16, 32) exceeds the output
/// stride keeps its resolution and dilates instead.
std::int64_t dilation_of(std::size_t stage, std::size_t block, const BodyOptions& options) {
  const std::int64_t dilation = std::max<std::int64_t>(1, (4 << stage) / options.output_stride);
  switch (options.dilation) {
    case DilationRule::contracted:
      return block == 0 ? std::max<std::int64_t>(1, dilation / 2) : dilation;
    case DilationRule::uniform:
      return dilation;
    case DilationRule::multi_grid:
      return stage == 3 ? dilation << block : dilation;
    case DilationRule::lagging:
      return std::max<std::int64_t>(1, dilation / 2);
  }
  return dilation;
}

ValueId stem(Layers& layers, ValueId image, const ResNetNames& names, const BodyOptions& options) {
  const float eps = options.bn_eps;
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

/// What a block adds to its shortcut.
struct ResidualShape {
  std::int64_t channels;  ///< of the result
  std::int64_t inner;     ///< between a bottleneck's 1x1 convolutions
  std::int64_t groups, stride, dilation;
  std::int64_t second_dilation;  ///< of the second convolution of a basic block
};

/// conv3(relu(conv2(relu(conv1(x)))))
ValueId bottleneck(Layers& layers, ValueId x, const BlockNames& names, const ResidualShape& shape,
                   const BodyOptions& options) {
  const float eps = options.bn_eps;
  const bool first = options.stride_on == StridePlace::conv1;
  x = layers.conv_bn_relu(names.conv1, x, {.out_channels = shape.inner, .stride = first ? shape.stride : 1}, eps);
  x = layers.conv_bn_relu(names.conv2, x,
                          {.out_channels = shape.inner,
                           .kernel = 3,
                           .stride = first ? 1 : shape.stride,
                           .dilation = shape.dilation,
                           .groups = shape.groups},
                          eps);
  return layers.conv_bn(names.conv3, x, {.out_channels = shape.channels}, eps);
}

/// conv2(relu(conv1(x))), both 3x3 and dilated, as make_dilated() of segmentation_models_pytorch has it or, in a first
/// block whose dilation is contracted, as timm's BasicBlock has it.
ValueId basic(Layers& layers, ValueId x, const BlockNames& names, const ResidualShape& shape,
              const BodyOptions& options) {
  const float eps = options.bn_eps;
  x = layers.conv_bn_relu(
      names.conv1, x, {.out_channels = shape.channels, .kernel = 3, .stride = shape.stride, .dilation = shape.dilation},
      eps);
  return layers.conv_bn(names.conv2, x,
                        {.out_channels = shape.channels, .kernel = 3, .dilation = shape.second_dilation}, eps);
}

/// relu(x + block(x)); the shortcut is a 1x1 where shapes change.
ValueId residual(Layers& layers, ValueId x, const BlockNames& names, const ResidualShape& shape,
                 const BodyOptions& options) {
  const auto block = shape_of(options.body).bottleneck ? bottleneck : basic;
  const ValueId y = block(layers, x, names, shape, options);
  if (!names.downsample.conv.empty())
    x = layers.conv_bn(names.downsample, x, {.out_channels = shape.channels, .stride = shape.stride}, options.bn_eps);
  return layers.add(names.block + ".relu", Relu{}, {layers.add(names.block + ".add", Add{}, {y, x})});
}

ValueId stage(Layers& layers, ValueId x, std::size_t index, const ResNetNames& names, const BodyOptions& options) {
  const ResNetShape& body = shape_of(options.body);
  const std::int64_t nominal_stride = 4 << index;
  const std::int64_t stride = index > 0 && nominal_stride <= options.output_stride ? 2 : 1;
  const std::int64_t inner = body.groups * (body.width << index);
  const std::vector<BlockNames>& blocks = names.layers[index];
  for (std::size_t i = 0; i < blocks.size(); ++i)
    x = residual(layers, x, blocks[i],
                 {body.channels(index), inner, body.groups, i == 0 ? stride : 1, dilation_of(index, i, options),
                  dilation_of(index, std::max<std::size_t>(i, 1), options)},
                 options);
  return x;
}

}  // namespace

const ResNetShape& shape_of(Body body) {
  return shapes[static_cast<std::size_t>(body)];
}

std::optional<Body> resnet_body(const TensorMap& tensors, const std::string& prefix) {
  const auto shape_of_weight = [&](const std::string& layer) {
    const auto it = tensors.find(cat(prefix, layer, ".weight"));
    return it == tensors.end() ? Shape{} : it->second.shape();
  };
  ResNetShape found{};
  for (std::size_t stage = 0; stage < found.depths.size(); ++stage)
    while (shape_of_weight(cat("layer", stage + 1, '.', found.depths[stage], ".conv1")).rank() == 4)
      ++found.depths[stage];
  found.bottleneck = shape_of_weight("layer1.0.conv3").rank() == 4;
  bool wide = false;
  if (found.bottleneck) {
    const Shape middle = shape_of_weight("layer1.0.conv2"), last = shape_of_weight("layer1.0.conv3");
    if (middle.rank() != 4 || middle[1] == 0) return {};
    found.groups = middle[0] / middle[1];
    wide = found.groups == 1 && last[0] == 2 * middle[0];
  }
  for (std::size_t i = 0; i < shapes.size(); ++i)
    if (shapes[i].depths == found.depths && shapes[i].bottleneck == found.bottleneck &&
        shapes[i].groups == found.groups && (shapes[i].width == 128) == wide)
      return static_cast<Body>(i);
  return {};
}

ResNetNames torchvision_names(const std::string& prefix, Body body) {
  const ResNetShape& shape = shape_of(body);
  ResNetNames names;
  names.stem = {{.conv = prefix + "conv1", .bn = prefix + "bn1"}};
  names.pool = prefix + "maxpool";
  for (std::size_t stage = 0; stage < shape.depths.size(); ++stage) {
    for (int i = 0; i < shape.depths[stage]; ++i) {
      const std::string block = cat(prefix, "layer", stage + 1, '.', i);
      BlockNames& added = names.layers[stage].emplace_back();
      added.block = block;
      added.conv1 = {.conv = block + ".conv1", .bn = block + ".bn1"};
      added.conv2 = {.conv = block + ".conv2", .bn = block + ".bn2"};
      if (shape.bottleneck) added.conv3 = {.conv = block + ".conv3", .bn = block + ".bn3"};
      // A basic block of layer1 neither strides nor widens.
      if (i == 0 && (shape.bottleneck || stage > 0))
        added.downsample = {.conv = block + ".downsample.0", .bn = block + ".downsample.1"};
    }
  }
  return names;
}

BodyFeatures resnet(Layers& layers, ValueId image, const ResNetNames& names, const BodyOptions& options) {
  // Shapes of bottlenecks at output stride 16; basic blocks give a quarter of the channels.
  ValueId x = stem(layers, image, names, options);                // {1,3,224,224}   -> {1,64,56,56}
  const ValueId low_level = stage(layers, x, 0, names, options);  // {1,64,56,56}    -> {1,256,56,56}
  x = low_level;
  for (std::int64_t i = 1; i < options.stages; ++i)
    x = stage(layers, x, static_cast<std::size_t>(i), names,
              options);  // -> {1,512,28,28} -> {1,1024,14,14} -> {1,2048,14,14}
  return {low_level, x};
}

}  // namespace giemsa
