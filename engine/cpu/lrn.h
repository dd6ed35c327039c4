// Local response normalisation across channels, as torch.nn.LocalResponseNorm:
//
//   out[c] = in[c] / (k + alpha/size * sum of in[j]^2 over j in [c - size/2, c + (size-1)/2])^beta,  zero outside
#pragma once

#include <cstdint>

#include "engine/cpu/upsample.h"
#include "engine/ops/lrn.h"

namespace giemsa::cpu {

/// Largest window that lrn() takes.
constexpr std::int64_t lrn_max_size = 63;

/// `images` tensors {outer, pixels, inner} of C = outer * inner channels each; channels that pad the last block must be
/// zero. Throws Error(internal) for a window outside 1..lrn_max_size.
void lrn(const Lrn& op, const float* in, std::int64_t images, std::int64_t pixels, ChannelLayout layout, float* out);

}  // namespace giemsa::cpu
