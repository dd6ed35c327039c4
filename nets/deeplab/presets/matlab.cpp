// MATLAB (Computer Vision Toolbox): deeplabv3plusLayers(size, classes, "resnet50"), exported to a state_dict.
//
// Keys are MATLAB's layer names with PyTorch's parameter names, arrays permuted to PyTorch's order:
//   conv1, bn_conv1                                             stem, 7x7/2
//   res<s><b>_branch2{a,b,c}, bn<s><b>_branch2{a,b,c}           s = 2..5 (layer1..layer4), b = a, b, c, ... (the block)
//   res<s>a_branch1, bn<s>a_branch1                             the shortcut's convolution
//   aspp_Conv_{1..4}, aspp_BatchNorm_{1..4}                     1x1 and the three rates
//   dec_c1, dec_bn1                                             1x1 behind the ASPP
//   dec_c2, dec_bn2                                             1x1 on the low-level features (res2c)
//   dec_c3, dec_bn3, dec_c4, dec_bn4                            decoder, 3x3
//   scorer                                                      classifier, 1x1
//   dec_upsample1, dec_upsample2                                x4, fixed bilinear kernels; may be absent
// with `.weight`, `.bias` and, of batch norms, `.running_mean`, `.running_var` (Scale, Offset, TrainedMean,
// TrainedVariance). Sums and ReLUs have no weights; the graph calls them after their block (`res2a.add`), not add_1 as
// MATLAB does.
//
// Every convolution has a bias. The stride sits on the first 1x1; the backbone's batch norms have eps 1e-3, the head's
// the default 1e-5; the 3x3/2 pool behind the stem is padded 'same' (deeplabv3plusLayers changes resnet50's [1 1 1 1]);
// res5, and res4 at downsampling factor 8, are dilated in every block. No image pooling, nothing separable. The
// transposed convolutions of kernel 8, stride 4, cropping 2 are bilinear interpolation that reads zeros outside the
// picture. Pictures: RGB, 0-255, ImageNet mean taken off (zerocenter), not scaled.
#include <array>
#include <cmath>

#include "nets/deeplab/presets.h"

namespace giemsa {

namespace {

ConvNames biased(const std::string& conv, const std::string& bn) {
  return {.conv = conv, .bn = bn, .bias = true};
}

ConvNames backbone_conv(const std::string& suffix) {
  return biased("res" + suffix, "bn" + suffix);
}

DeepLabOptions matlab_options(std::int64_t output_stride) {
  DeepLabOptions options;
  options.backbone.output_stride = output_stride;
  options.backbone.dilation = DilationRule::uniform;
  options.backbone.stride_on = StridePlace::conv1;
  options.backbone.stem_pool = PoolPadding::same;
  options.backbone.bn_eps = 1e-3f;
  options.aspp_pool = PoolBranch::none;
  options.decoder_concat = DecoderConcat::low_first;
  options.decoder = {3, 3};
  options.upsample_edge = EdgeMode::zero;
  return options;
}

DeepLabLayout matlab_layout(Separable, Body) {
  constexpr std::array<int, 4> depths{3, 4, 6, 3};
  ResNetNames backbone;
  backbone.stem = {biased("conv1", "bn_conv1")};
  backbone.pool = "max_pooling2d_1";
  for (std::size_t stage = 0; stage < depths.size(); ++stage) {
    for (int i = 0; i < depths[stage]; ++i) {
      const std::string block = cat(stage + 2, static_cast<char>('a' + i));
      backbone.layers[stage].push_back({.block = "res" + block,
                                        .conv1 = backbone_conv(block + "_branch2a"),
                                        .conv2 = backbone_conv(block + "_branch2b"),
                                        .conv3 = backbone_conv(block + "_branch2c"),
                                        .downsample = i == 0 ? backbone_conv(block + "_branch1") : ConvNames{}});
    }
  }
  DeepLabLayout layout;
  layout.backbone = std::move(backbone);
  for (std::size_t i = 0; i < layout.aspp.size(); ++i)
    layout.aspp[i] = biased(cat("aspp_Conv_", i + 1), cat("aspp_BatchNorm_", i + 1));
  layout.aspp_concat = "catAspp";
  layout.after_aspp = {biased("dec_c1", "dec_bn1")};
  layout.aspp_upsample = "dec_upsample1";
  layout.low_level = biased("dec_c2", "dec_bn2");
  layout.decoder_concat = "dec_cat1";
  layout.decoder = {biased("dec_c3", "dec_bn3"), biased("dec_c4", "dec_bn4")};
  layout.classifier = "scorer";
  layout.logits_upsample = "dec_upsample2";
  return layout;
}

/// The weight of a transposed convolution that upsamples each channel bilinearly by 4: {C,C,8,8}, zero off the
/// diagonal.
void check_bilinear(const std::string& key, const Tensor& tensor) {
  constexpr std::array<float, 8> tent{0.125f, 0.375f, 0.625f, 0.875f, 0.875f, 0.625f, 0.375f, 0.125f};
  const Shape& shape = tensor.shape();
  check(shape.rank() == 4 && shape[0] == shape[1] && shape[2] == 8 && shape[3] == 8, ErrorKind::model, "tensor ", key,
        " has shape ", shape, ", expected {C,C,8,8}");
  const Tensor values = to_f32(tensor);
  const auto weights = values.as<float>();
  std::size_t index = 0;
  for (std::int64_t in = 0; in < shape[0]; ++in)
    for (std::int64_t out = 0; out < shape[1]; ++out)
      for (float vertical : tent)
        for (float horizontal : tent) {
          const float expected = in == out ? vertical * horizontal : 0;
          const float actual = weights[index++];
          check(std::abs(actual - expected) <= 1e-6f, ErrorKind::model, "tensor ", key,
                " is not the fixed bilinear kernel: an element is ", actual, ", expected ", expected);
        }
}

std::vector<std::string> bilinear_kernels(const TensorMap& tensors) {
  std::vector<std::string> keys;
  for (const std::string layer : {"dec_upsample1", "dec_upsample2"}) {
    if (const auto weight = tensors.find(layer + ".weight"); weight != tensors.end()) {
      check_bilinear(weight->first, weight->second);
      keys.push_back(weight->first);
    }
    if (const auto bias = tensors.find(layer + ".bias"); bias != tensors.end()) {
      const Tensor values = to_f32(bias->second);
      for (float value : values.as<float>())
        check(value == 0, ErrorKind::model, "tensor ", bias->first, " is not zero: an element is ", value);
      keys.push_back(bias->first);
    }
  }
  return keys;
}

}  // namespace

DeepLabPreset matlab_preset() {
  return {.arch = "deeplabv3plus",
          .name = "matlab",
          .output_strides = {16, 8},
          .separable = {Separable::none},
          .fixed_upsampling = true,
          .image = {.filter = ResizeFilter::bicubic, .std = {1 / 255.f, 1 / 255.f, 1 / 255.f}},
          .options = matlab_options,
          .layout = matlab_layout,
          .constants = bilinear_kernels};
}

}  // namespace giemsa
