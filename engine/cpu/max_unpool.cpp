#include "engine/cpu/max_unpool.h"

#include <algorithm>

#include "engine/base/simd.h"

namespace giemsa::cpu {

namespace {

/// One element of a window, of all channels: takes the place of smaller ones.
template <class T>
GIEMSA_INLINE void challenge(T* best, std::uint8_t* taps, const T* in, std::int64_t channels, std::uint8_t tap) {
  for (std::int64_t c = 0; c < channels; ++c) {
    const float value = load(in[c]);
    const bool wins = value > load(best[c]) || value != value;
    best[c] = wins ? in[c] : best[c];
    taps[c] = wins ? tap : taps[c];
  }
}

/// A row of pooled pixels.
template <class T>
GIEMSA_INLINE void pool_row(const Nhwc& dst, std::uint8_t* taps, const Nhwc& src, const MaxPoolIndices& op,
                            std::int64_t row) {
  const std::int64_t image = row / dst.h, y = row % dst.h;
  for (std::int64_t x = 0; x < dst.w; ++x) {
    const std::int64_t pixel = row * dst.w + x;
    T* best = dst.pixel<T>(pixel);
    std::uint8_t* tap = taps + pixel * dst.c;
    const auto source = [&](std::int64_t ky, std::int64_t kx) {
      return src.pixel<T>((image * src.h + y * op.stride.h + ky) * src.w + x * op.stride.w + kx);
    };
    std::copy_n(source(0, 0), dst.c, best);
    std::fill_n(tap, dst.c, std::uint8_t{0});
    for (std::int64_t place = 1; place < op.kernel.h * op.kernel.w; ++place)
      challenge(best, tap, source(place / op.kernel.w, place % op.kernel.w), dst.c, static_cast<std::uint8_t>(place));
  }
}

/// A row of unpooled pixels.
template <class T>
GIEMSA_INLINE void unpool_row(const Nhwc& dst, const Nhwc& src, const std::uint8_t* taps, const MaxUnpool& op,
                              std::int64_t row) {
  const std::int64_t image = row / dst.h, y = row % dst.h, window_y = y / op.stride.h, ky = y % op.stride.h;
  for (std::int64_t x = 0; x < dst.w; ++x) {
    T* out = dst.pixel<T>(row * dst.w + x);
    const std::int64_t window_x = x / op.stride.w, kx = x % op.stride.w;
    if (window_y >= src.h || window_x >= src.w || ky >= op.kernel.h || kx >= op.kernel.w) {
      std::fill_n(out, dst.c, T{});
      continue;
    }
    const std::int64_t pixel = (image * src.h + window_y) * src.w + window_x;
    const T* in = src.pixel<T>(pixel);
    const std::uint8_t* tap = taps + pixel * src.c;
    const auto place = static_cast<std::uint8_t>(ky * op.kernel.w + kx);
    for (std::int64_t c = 0; c < dst.c; ++c) out[c] = tap[c] == place ? in[c] : T{};
  }
}

GIEMSA_SIMD void pool_any_row(const Nhwc& dst, std::uint8_t* taps, const Nhwc& src, const MaxPoolIndices& op,
                              std::int64_t row) {
  switch (src.dtype) {
    case DType::bf16:
      return pool_row<Bf16>(dst, taps, src, op, row);
    case DType::u8:
      return pool_row<std::uint8_t>(dst, taps, src, op, row);
    case DType::i8:
      return pool_row<std::int8_t>(dst, taps, src, op, row);
    default:
      return pool_row<float>(dst, taps, src, op, row);
  }
}

/// Elements are moved, not computed with: by their size.
GIEMSA_SIMD void unpool_any_row(const Nhwc& dst, const Nhwc& src, const std::uint8_t* taps, const MaxUnpool& op,
                                std::int64_t row) {
  switch (size_of(src.dtype)) {
    case 1:
      return unpool_row<std::uint8_t>(dst, src, taps, op, row);
    case 2:
      return unpool_row<std::uint16_t>(dst, src, taps, op, row);
    default:
      return unpool_row<float>(dst, src, taps, op, row);
  }
}

}  // namespace

void max_pool_indices(const Nhwc& dst, std::uint8_t* taps, const Nhwc& src, const MaxPoolIndices& op) {
  const std::int64_t rows = dst.n * dst.h;
#pragma omp parallel for schedule(static)
  for (std::int64_t row = 0; row < rows; ++row) pool_any_row(dst, taps, src, op, row);
}

void max_unpool(const Nhwc& dst, const Nhwc& src, const std::uint8_t* taps, const MaxUnpool& op) {
  const std::int64_t rows = dst.n * dst.h;
#pragma omp parallel for schedule(static)
  for (std::int64_t row = 0; row < rows; ++row) unpool_any_row(dst, src, taps, op, row);
}

}  // namespace giemsa::cpu
