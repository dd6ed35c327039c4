#include "engine/cpu/lrn.h"

#include <algorithm>
#include <cmath>

#include "engine/base/check.h"
#include "engine/base/simd.h"

namespace giemsa::cpu {

namespace {

constexpr std::int64_t block =
    256;  // pixels (planar) or channels (blocked) at a time: squares stay in the first-level cache

/// out[i] = in[i] / (k + alpha/size * sum[i])^beta. The usual beta, 0.75, takes square roots, which vectorise: each
/// rounds once, which leaves an error of under 2^-22.
GIEMSA_INLINE void divide(const Lrn& op, const float* in, const float* sum, std::int64_t n, float* out) {
  const float scale = op.alpha / static_cast<float>(op.size), k = op.k, beta = op.beta;
  if (beta == 0.75f) {
    for (std::int64_t i = 0; i < n; ++i) {
      const float root = std::sqrt(k + scale * sum[i]);
      out[i] = in[i] / (root * std::sqrt(root));
    }
  } else {
    for (std::int64_t i = 0; i < n; ++i) out[i] = in[i] / std::pow(k + scale * sum[i], beta);
  }
}

/// `n` <= block pixels of all channels of one image {channels, pixels}, from pixel `first`.
GIEMSA_SIMD void normalise_planar(const Lrn& op, const float* in, std::int64_t pixels, std::int64_t channels,
                                  std::int64_t first, std::int64_t n, float* out) {
  float sum[block];
  for (std::int64_t c = 0; c < channels; ++c) {
    std::fill(sum, sum + n, 0.0f);
    const std::int64_t low = std::max<std::int64_t>(c - op.size / 2, 0);
    const std::int64_t high = std::min(c + (op.size - 1) / 2, channels - 1);
    for (std::int64_t j = low; j <= high; ++j) {
      const float* row = in + j * pixels + first;
      for (std::int64_t i = 0; i < n; ++i) sum[i] += row[i] * row[i];
    }
    divide(op, in + c * pixels + first, sum, n, out + c * pixels + first);
  }
}

/// Pixels first .. first + n of one image {outer, pixels, inner}. Squares are laid out with their neighbours, which may
/// belong to the blocks before and after.
GIEMSA_SIMD void normalise_blocked(const Lrn& op, const float* in, std::int64_t pixels, ChannelLayout layout,
                                   std::int64_t first, std::int64_t n, float* out) {
  const std::int64_t inner = layout.inner, channels = layout.outer * inner;
  const std::int64_t before = op.size / 2, after = (op.size - 1) / 2;
  float square[block + lrn_max_size], sum[block];
  for (std::int64_t p = first; p < first + n; ++p) {
    const auto square_of = [&](std::int64_t channel) {
      if (channel < 0 || channel >= channels) return 0.0f;
      const float value = in[(channel / inner * pixels + p) * inner + channel % inner];
      return value * value;
    };
    for (std::int64_t c = 0, size; c < channels; c += size) {
      const std::int64_t o = c / inner, lane = c % inner, offset = (o * pixels + p) * inner + lane;
      size = std::min(block, inner - lane);
      for (std::int64_t j = 0; j < before; ++j) square[j] = square_of(c - before + j);
      for (std::int64_t i = 0; i < size; ++i) square[before + i] = in[offset + i] * in[offset + i];
      for (std::int64_t j = 0; j < after; ++j) square[before + size + j] = square_of(c + size + j);
      std::fill(sum, sum + size, 0.0f);
      for (std::int64_t d = 0; d < op.size; ++d)
        for (std::int64_t i = 0; i < size; ++i) sum[i] += square[d + i];
      divide(op, in + offset, sum, size, out + offset);
    }
  }
}

}  // namespace

void lrn(const Lrn& op, const float* in, std::int64_t images, std::int64_t pixels, ChannelLayout layout, float* out) {
  check(op.size >= 1 && op.size <= lrn_max_size, ErrorKind::internal, "LRN over ", op.size, " channels; at most ",
        lrn_max_size);
  const std::int64_t image_size = layout.outer * pixels * layout.inner;
  const std::int64_t steps = (pixels + block - 1) / block;
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < images * steps; ++i) {
    const std::int64_t image = i / steps * image_size, first = i % steps * block, n = std::min(block, pixels - first);
    if (layout.inner == 1)
      normalise_planar(op, in + image, pixels, layout.outer, first, n, out + image);
    else
      normalise_blocked(op, in + image, pixels, layout, first, n, out + image);
  }
}

}  // namespace giemsa::cpu
