#include "nets/deeplab/deeplab.h"

#include <algorithm>

#include "nets/backbone.h"

namespace giemsa {

namespace {

ValueId upsample(Layers& layers, const std::string& name, ValueId x, Size2 size, const DeepLabOptions& options) {
  return layers.add(name, Upsample{size, options.align_corners, options.upsample_edge}, {x});
}

/// Convolutions of the given kernel sizes, one after the other.
ValueId conv_chain(Layers& layers, ValueId x, const std::vector<ConvNames>& names,
                   const std::vector<std::int64_t>& kernels, std::int64_t channels, float eps) {
  for (std::size_t i = 0; i < names.size(); ++i)
    x = layers.conv_bn_relu(names[i], x, {.out_channels = channels, .kernel = kernels[i]}, eps);
  return x;
}

/// Atrous spatial pyramid pooling: the same features seen at several scales, side by side, then mixed.
ValueId aspp(Layers& layers, ValueId features, const DeepLabLayout& layout, const DeepLabOptions& options) {
  const std::int64_t channels = layout.head_channels;
  const float eps = options.head_bn_eps;
  std::vector<ValueId> branches;
  // {1,2048,14,14} -> {1,256,14,14}: a 1x1 (never separable), then a 3x3 a rate.
  branches.push_back(layers.conv_bn_relu(layout.aspp[0], features, {.out_channels = channels}, eps));
  for (std::size_t i = 0; i < options.aspp_rates.size(); ++i)
    branches.push_back(layers.conv_bn_relu(
        layout.aspp[i + 1], features, {.out_channels = channels, .kernel = 3, .dilation = options.aspp_rates[i]}, eps));
  if (options.aspp_pool != PoolBranch::none) {
    // {1,2048,14,14} -> {1,2048,1,1} -> {1,256,1,1} -> {1,256,14,14}
    ValueId pooled = layers.add(layout.pool, AdaptiveAvgPool{{1, 1}}, {features});
    pooled = layers.conv_bn_relu(layout.pool_conv, pooled, {.out_channels = channels}, eps);
    pooled = layers.add(layout.pool_upsample, Upsample{layers.size(features)}, {pooled});
    branches.insert(options.aspp_pool == PoolBranch::first ? branches.begin() : branches.end(), pooled);
  }
  const ValueId x = layers.add(layout.aspp_concat, Concat{}, branches);                // -> {1,1280,14,14}
  return conv_chain(layers, x, layout.after_aspp, options.after_aspp, channels, eps);  // -> {1,256,14,14}
}

/// {1,256,56,56} -> {1,classes,56,56}
ValueId classify_pixels(Layers& layers, ValueId x, const DeepLabLayout& layout, std::int64_t classes) {
  return layers.conv2d(layout.classifier, x, {.out_channels = classes}, true);
}

/// {1,256,56,56} -> {1,64,56,56} -> {1,3,56,56}
void locate_centres(Layers& layers, ValueId x, const DeepLabLayout& layout, float eps) {
  const ValueId features = layers.conv_bn_relu(layout.centre_features, x, {.out_channels = 64, .kernel = 3}, eps);
  layers.conv2d(layout.centre_offsets, features, {.out_channels = 3}, true);
}

}  // namespace

ValueId deeplabv3(Layers& layers, ValueId image, const DeepLabLayout& layout, const DeepLabOptions& options,
                  std::int64_t classes) {
  // Shapes at output stride 8.
  const BodyFeatures features =
      backbone(layers, image, layout.backbone, options.backbone);        // {1,3,224,224} -> {1,2048,28,28}
  const ValueId x = aspp(layers, features.high_level, layout, options);  // -> {1,256,28,28}
  const ValueId logits = classify_pixels(layers, x, layout, classes);    // -> {1,classes,28,28}
  return upsample(layers, layout.logits_upsample, logits, layers.size(image), options);  // -> {1,classes,224,224}
}

ValueId deeplabv3plus(Layers& layers, ValueId image, const DeepLabLayout& layout, const DeepLabOptions& options,
                      std::int64_t classes) {
  const float eps = options.head_bn_eps;
  // Shapes at output stride 16.
  const BodyFeatures features =
      backbone(layers, image, layout.backbone, options.backbone);  // {1,3,224,224} -> {1,256,56,56}, {1,2048,14,14}

  ValueId x = aspp(layers, features.high_level, layout, options);  // {1,2048,14,14} -> {1,256,14,14}
  x = upsample(layers, layout.aspp_upsample, x, layers.size(features.low_level), options);  // -> {1,256,56,56}

  const ValueId low =
      layers.conv_bn_relu(layout.low_level, features.low_level, {.out_channels = 48}, eps);  // -> {1,48,56,56}
  const bool low_first = options.decoder_concat == DecoderConcat::low_first;
  x = layers.add(layout.decoder_concat, Concat{},
                 low_first ? std::vector{low, x} : std::vector{x, low});                  // -> {1,304,56,56}
  x = conv_chain(layers, x, layout.decoder, options.decoder, layout.head_channels, eps);  // -> {1,256,56,56}

  if (options.centre_offset) locate_centres(layers, x, layout, eps);
  const ValueId logits = classify_pixels(layers, x, layout, classes);                    // -> {1,classes,56,56}
  return upsample(layers, layout.logits_upsample, logits, layers.size(image), options);  // -> {1,classes,224,224}
}

}  // namespace giemsa
