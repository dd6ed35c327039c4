// What decides the arithmetic of DeepLabv3(+) beside its weights. Most of it leaves no trace in a checkpoint's keys
// (dilation, output stride, rates, align_corners, epsilons, concat order), so every value is named, recorded in the
// model file and printed.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/modes.h"
#include "nets/body.h"
#include "nets/option_text.h"

namespace giemsa {

/// Whether 3x3 convolutions of the head are depthwise + pointwise.
enum class Separable : std::uint8_t {
  none,
  plain,       ///< nothing between the two
  normalized,  ///< batch norm and ReLU between the two
};

/// Place of the image-pooling branch in the ASPP's concatenation.
enum class PoolBranch : std::uint8_t { none, first, last };

enum class DecoderConcat : std::uint8_t { none, low_first, aspp_first };

struct DeepLabOptions {
  BodyOptions backbone{.output_stride = 16};
  std::vector<std::int64_t> aspp_rates{6, 12, 18};
  Separable separable = Separable::none;
  PoolBranch aspp_pool = PoolBranch::last;
  std::vector<std::int64_t> after_aspp{1};  ///< kernel sizes of the convolutions behind the ASPP's concatenation
  DecoderConcat decoder_concat = DecoderConcat::aspp_first;
  std::vector<std::int64_t> decoder{3};  ///< kernel sizes of the convolutions between that and the 1x1 classifier
  float head_bn_eps = 1e-5f;
  bool align_corners = false;  ///< of every upsampling but the pooled branch's broadcast
  EdgeMode upsample_edge = EdgeMode::clamp;
  bool centre_offset = false;  ///< a centre head beside the classifier (DeepLabv3+)

  friend bool operator==(const DeepLabOptions&, const DeepLabOptions&) = default;
};

OptionTexts to_text(const DeepLabOptions& options);

/// The inverse. Throws Error(kind), naming the option, where one is missing, unknown or out of range.
DeepLabOptions parse_deeplab_options(const OptionTexts& texts, ErrorKind kind);

}  // namespace giemsa
