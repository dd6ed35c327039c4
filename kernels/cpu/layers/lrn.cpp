#include "kernels/cpu/layers/lrn.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/require.h"

namespace giemsa::kernels::cpu {

namespace {

constexpr std::int64_t lrn_block = 256;  // channels at a time, whose squares stay in the first-level cache

}  // namespace

}  // namespace giemsa::kernels::cpu

#define GIEMSA_SIMD_LOOPS "kernels/cpu/layers/lrn.simd.h"
#include "kernels/cpu/simd_sets.h"

namespace giemsa::kernels::cpu {

void lrn(float* out, const float* in, std::int64_t pixels, std::int64_t channels, const LrnParams& params) {
  require(params.size >= 1 && params.size <= lrn_max_size && params.size % 2 == 1,
          "LRN takes windows of an odd size of at most 63 channels");
  const auto normalise = GIEMSA_SIMD_BEST(normalise_pixel);
  parallel_for(pixels, [&](std::int64_t p) { normalise(params, in + p * channels, channels, out + p * channels); });
}

}  // namespace giemsa::kernels::cpu
