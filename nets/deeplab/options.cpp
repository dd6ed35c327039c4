#include "nets/deeplab/options.h"

#include <array>

namespace giemsa {

namespace {

// The words for the values of each enumeration, in its order.
constexpr std::array<std::string_view, 4> dilation_words{"contracted", "uniform", "multi_grid", "lagging"};
constexpr std::array<std::string_view, 2> stride_words{"conv1", "conv2"};
constexpr std::array<std::string_view, 2> stem_words{"7x7", "3x3,3x3,3x3"};
constexpr std::array<std::string_view, 2> pool_padding_words{"1", "same"};
constexpr std::array<std::string_view, 3> block_padding_words{"inside", "ahead", "ahead_bare_stem"};
constexpr std::array<std::string_view, 3> separable_words{"none", "plain", "normalized"};
constexpr std::array<std::string_view, 3> pool_branch_words{"none", "first", "last"};
constexpr std::array<std::string_view, 3> concat_words{"none", "low_first", "aspp_first"};
constexpr std::array<std::string_view, 2> edge_words{"clamp", "zero"};

}  // namespace

template <MaybeConst<DeepLabOptions> Options, class Visitor>
static void visit_options(Options& options, Visitor&& visit) {
  auto& backbone = options.backbone;
  visit("backbone", backbone.body, body_words);
  visit("output_stride", backbone.output_stride);
  visit("stages", backbone.stages);
  visit("dilation", backbone.dilation, dilation_words);
  visit("stride_on", backbone.stride_on, stride_words);
  visit("stem", backbone.stem, stem_words);
  visit("stem_pool", backbone.stem_pool, pool_padding_words);
  visit("block_padding", backbone.block_padding, block_padding_words);
  visit("backbone_bn_eps", backbone.bn_eps);
  visit("aspp_rates", options.aspp_rates);
  visit("separable", options.separable, separable_words);
  visit("aspp_pool", options.aspp_pool, pool_branch_words);
  visit("after_aspp", options.after_aspp);
  visit("decoder_concat", options.decoder_concat, concat_words);
  visit("decoder", options.decoder);
  visit("head_bn_eps", options.head_bn_eps);
  visit("align_corners", options.align_corners);
  visit("upsample_edge", options.upsample_edge, edge_words);
  visit("centre_offset", options.centre_offset);
}

OptionTexts to_text(const DeepLabOptions& options) {
  return write_options(options);
}

DeepLabOptions parse_deeplab_options(const OptionTexts& texts, ErrorKind kind) {
  const auto options = read_options<DeepLabOptions>(texts, kind);

  constexpr std::int64_t largest_rate = 1024;
  const std::int64_t stride = options.backbone.output_stride;
  check(stride == 8 || stride == 16 || stride == 32, kind, "output_stride: ", stride, " is none of 8, 16, 32");
  check(options.backbone.stages >= 2 && options.backbone.stages <= 4, kind, "stages: ", options.backbone.stages,
        " is none of 2, 3, 4");
  const bool resnet = is_resnet(options.backbone.body);
  check(!resnet || options.backbone.block_padding == BlockPadding::inside, kind,
        "block_padding: a ResNet pads inside its blocks");
  check(resnet || options.backbone.dilation != DilationRule::multi_grid, kind,
        "dilation: mobilenet_v2 has no multi_grid");
  check(options.aspp_rates.size() == 3, kind, "aspp_rates: ", options.aspp_rates.size(),
        " rates given, the ASPP has 3");
  for (std::int64_t rate : options.aspp_rates)
    check(rate >= 1 && rate <= largest_rate, kind, "aspp_rates: ", rate, " is not between 1 and ", largest_rate);
  check(options.backbone.bn_eps > 0 && options.head_bn_eps > 0, kind, "a batch norm's eps must be positive");
  check(!options.align_corners || options.upsample_edge == EdgeMode::clamp, kind,
        "align_corners: upsampling by a fixed transposed convolution (upsample_edge zero) cannot align corners");
  return options;
}

}  // namespace giemsa
