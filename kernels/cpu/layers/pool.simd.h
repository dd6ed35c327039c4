// The loops of pool.cpp, compiled for each instruction set.

#include "kernels/cpu/vectors.simd.h"

/// A vector of channels, and one channel, of one output pixel: the maximum over rows and columns `y` and `x` of the
/// image whose first pixel is `first`. A NaN wins, as in PyTorch.
template <class T>
GIEMSA_INLINE void max_block(T* out, const Nhwc& src, std::int64_t first, Range y, Range x, std::int64_t c) {
  Float best, value;
  load(best, src.pixel<T>(first + y.begin * src.w + x.begin) + c);
  for (std::int64_t iy = y.begin; iy < y.end; ++iy) {
    for (std::int64_t ix = x.begin; ix < x.end; ++ix) {
      load(value, src.pixel<T>(first + iy * src.w + ix) + c);
      best = ((value > best) | (value != value)) ? value : best;
    }
  }
  store(out + c, best);
}
template <class T>
GIEMSA_INLINE void max_channel(T* out, const Nhwc& src, std::int64_t first, Range y, Range x, std::int64_t c) {
  float best = cpu::load(src.pixel<T>(first + y.begin * src.w + x.begin)[c]);
  for (std::int64_t iy = y.begin; iy < y.end; ++iy) {
    for (std::int64_t ix = x.begin; ix < x.end; ++ix) {
      const float value = cpu::load(src.pixel<T>(first + iy * src.w + ix)[c]);
      best = value > best || value != value ? value : best;
    }
  }
  cpu::store(out[c], best);
}

/// From channel `c` on, whole vectors of one output pixel in bf16, computed with as integers of 16 bits. They
/// are in order once the bits below the sign of the negative ones are flipped; the largest magnitude
/// shows NaNs.
template <class Vector>
GIEMSA_INLINE void max_bf16(Bf16* out, const Nhwc& src, std::int64_t first, Range y, Range x, std::int64_t& c) {
  constexpr auto channels = static_cast<std::int64_t>(sizeof(Vector) / sizeof(Bf16));
  constexpr std::int16_t magnitude = 0x7fff, infinity = 0x7f80, quiet_nan = 0x7fc0;
  for (; c + channels <= src.c; c += channels) {
    Vector best = Vector{} + std::numeric_limits<std::int16_t>::min(), largest = {};
    for (std::int64_t iy = y.begin; iy < y.end; ++iy) {
      for (std::int64_t ix = x.begin; ix < x.end; ++ix) {
        Vector value;
        std::memcpy(&value, src.pixel<Bf16>(first + iy * src.w + ix) + c, sizeof(value));
        const Vector absolute = value & magnitude, ordered = value ^ ((value >> 15) & magnitude);
        largest = absolute > largest ? absolute : largest;
        best = ordered > best ? ordered : best;
      }
    }
    best ^= (best >> 15) & magnitude;
    best = largest > infinity ? Vector{} + quiet_nan : best;
    std::memcpy(out + c, &best, sizeof(best));
  }
}

/// From channel `c` on, whole vectors of one output pixel in 8 bits.
template <class Vector, class T>
GIEMSA_INLINE void max_bytes(T* out, const Nhwc& src, std::int64_t first, Range y, Range x, std::int64_t& c) {
  for (; c + static_cast<std::int64_t>(sizeof(Vector)) <= src.c; c += sizeof(Vector)) {
    Vector best, value;
    std::memcpy(&best, src.pixel<T>(first + y.begin * src.w + x.begin) + c, sizeof(best));
    for (std::int64_t iy = y.begin; iy < y.end; ++iy) {
      for (std::int64_t ix = x.begin; ix < x.end; ++ix) {
        std::memcpy(&value, src.pixel<T>(first + iy * src.w + ix) + c, sizeof(value));
        best = value > best ? value : best;
      }
    }
    std::memcpy(out + c, &best, sizeof(best));
  }
}

template <class T>
void max_pool_row(const Nhwc& dst, const Nhwc& src, const SlidingWindow& window, std::int64_t row) {
  const std::int64_t first = row / dst.h * src.h * src.w;
  const std::int64_t top = row % dst.h * window.stride.h - window.padding.h;
  const Range y{std::max<std::int64_t>(0, top), std::min(src.h, top + window.kernel.h)};
  for (std::int64_t ox = 0; ox < dst.w; ++ox) {
    const std::int64_t left = ox * window.stride.w - window.padding.w;
    const Range x{std::max<std::int64_t>(0, left), std::min(src.w, left + window.kernel.w)};
    T* out = dst.pixel<T>(row * dst.w + ox);
    std::int64_t c = 0;
    if constexpr (sizeof(T) == 1) {
      max_bytes<Bytes<T, vector_bytes>>(out, src, first, y, x, c);
      max_bytes<Bytes<T, 16>>(out, src, first, y, x, c);
    } else if constexpr (std::is_same_v<T, Bf16>) {
      max_bf16<Bytes<std::int16_t, vector_bytes>>(out, src, first, y, x, c);
      max_bf16<Bytes<std::int16_t, 16>>(out, src, first, y, x, c);
    } else {
      for (; c + lanes <= src.c; c += lanes) max_block(out, src, first, y, x, c);
    }
    for (; c < src.c; ++c) max_channel(out, src, first, y, x, c);
  }
}

/// sums[c] += pixels [first, last) of `src`.
template <class T>
void sum_pixels(float* sums, const Nhwc& src, std::int64_t first, std::int64_t last) {
  for (std::int64_t i = first; i < last; ++i) {
    const T* in = src.pixel<T>(i);
    for (std::int64_t c = 0; c < src.c; ++c) sums[c] += cpu::load(in[c]);
  }
}
