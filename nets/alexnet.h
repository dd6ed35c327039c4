// AlexNet: the original of two towers (Krizhevsky et al. 2012; Caffe, MATLAB) and torchvision's single tower
// (arxiv.org/abs/1404.5997).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nets/option_text.h"

namespace giemsa {

enum class AlexNetNorm : std::uint8_t {
  none,
  lrn,  ///< LRN(5, alpha 1e-4, beta 0.75, k 1) behind the ReLU of conv1 and conv2
};

struct AlexNetOptions {
  std::vector<std::string> layers;  ///< prefixes of the five convolutions and of the linear layers, in order
  AlexNetNorm norm = AlexNetNorm::none;
  std::int64_t groups = 1;  ///< of the 2nd, 4th and 5th convolution
  std::int64_t conv1_padding = 2;
  bool pool_ceil_mode = false;
  bool adaptive_pool = true;   ///< average to pool_size x pool_size in front of the linear layers
  std::int64_t pool_size = 6;  ///< 1: a head behind global average pooling

  friend bool operator==(const AlexNetOptions&, const AlexNetOptions&) = default;
};

OptionTexts to_text(const AlexNetOptions& options);

struct Architecture;
Architecture alexnet_architecture();

}  // namespace giemsa
