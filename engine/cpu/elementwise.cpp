#include "engine/cpu/elementwise.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "engine/base/simd.h"

namespace giemsa::cpu {

namespace {

/// `factor` is what a step of `From` is in steps of `To`.
template <class To, class From>
GIEMSA_INLINE void copy_body(To* dst, const From* src, std::int64_t count, float factor) {
  if constexpr (std::is_same_v<To, From>) {
    if (factor == 1.0f) {
      std::copy_n(src, count, dst);
      return;
    }
  }
  if constexpr (sizeof(To) > 1 && sizeof(From) > 1)
    for (std::int64_t i = 0; i < count; ++i) store(dst[i], load(src[i]));
  else
    for (std::int64_t i = 0; i < count; ++i) store(dst[i], load(src[i]) * factor);
}
#define GIEMSA_COPY(To, From)                                                             \
  GIEMSA_SIMD void copy_row(To* dst, const From* src, std::int64_t count, float factor) { \
    copy_body(dst, src, count, factor);                                                   \
  }
#define GIEMSA_COPIES(To)       \
  GIEMSA_COPY(To, float)        \
  GIEMSA_COPY(To, Bf16)         \
  GIEMSA_COPY(To, std::uint8_t) \
  GIEMSA_COPY(To, std::int8_t)
GIEMSA_COPIES(float)
GIEMSA_COPIES(Bf16)
GIEMSA_COPIES(std::uint8_t)
GIEMSA_COPIES(std::int8_t)
#undef GIEMSA_COPIES
#undef GIEMSA_COPY

/// `count` pixels of three planes, side by side: what every image goes through.
template <class T>
GIEMSA_INLINE void interleave_body(T* to, const float* from, std::int64_t plane, std::int64_t count, float factor) {
  const float *r = from, *g = from + plane, *b = from + 2 * plane;
  for (std::int64_t x = 0; x < count; ++x) {
    store(to[3 * x], r[x] * factor);
    store(to[3 * x + 1], g[x] * factor);
    store(to[3 * x + 2], b[x] * factor);
  }
}
#define GIEMSA_INTERLEAVE(T)                                                                                      \
  GIEMSA_SIMD void interleave_3(T* to, const float* from, std::int64_t plane, std::int64_t count, float factor) { \
    interleave_body(to, from, plane, count, factor);                                                              \
  }
GIEMSA_INTERLEAVE(float)
GIEMSA_INTERLEAVE(Bf16)
GIEMSA_INTERLEAVE(std::uint8_t)
GIEMSA_INTERLEAVE(std::int8_t)
#undef GIEMSA_INTERLEAVE

/// The way back, for two planes: a segmentation's logits.
template <class T>
GIEMSA_INLINE void separate_body(float* __restrict to, const T* __restrict from, std::int64_t plane, std::int64_t count,
                                 float factor) {
  float *first = to, *second = to + plane;
  for (std::int64_t x = 0; x < count; ++x) {
    first[x] = load(from[2 * x]) * factor;
    second[x] = load(from[2 * x + 1]) * factor;
  }
}
#define GIEMSA_SEPARATE(T)                                                                                      \
  GIEMSA_SIMD void separate_2(float* to, const T* from, std::int64_t plane, std::int64_t count, float factor) { \
    separate_body(to, from, plane, count, factor);                                                              \
  }
GIEMSA_SEPARATE(float)
GIEMSA_SEPARATE(Bf16)
GIEMSA_SEPARATE(std::uint8_t)
GIEMSA_SEPARATE(std::int8_t)
#undef GIEMSA_SEPARATE

template <class T>
GIEMSA_INLINE void add_body(T* dst, const T* a, const T* b, std::int64_t count, bool relu) {
  if (relu) {
    for (std::int64_t i = 0; i < count; ++i) {
      const float sum = load(a[i]) + load(b[i]);
      store(dst[i], sum < 0.0f ? 0.0f : sum);
    }
  } else {
    for (std::int64_t i = 0; i < count; ++i) store(dst[i], load(a[i]) + load(b[i]));
  }
}
GIEMSA_SIMD void add_row(float* dst, const float* a, const float* b, std::int64_t count, bool relu) {
  add_body(dst, a, b, count, relu);
}
GIEMSA_SIMD void add_row(Bf16* dst, const Bf16* a, const Bf16* b, std::int64_t count, bool relu) {
  add_body(dst, a, b, count, relu);
}

template <class T>
GIEMSA_INLINE void relu_body(T* dst, const T* src, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = load(src[i]);
    store(dst[i], value < 0.0f ? 0.0f : value);
  }
}
GIEMSA_SIMD void relu_row(float* dst, const float* src, std::int64_t count) {
  relu_body(dst, src, count);
}
GIEMSA_SIMD void relu_row(Bf16* dst, const Bf16* src, std::int64_t count) {
  relu_body(dst, src, count);
}

template <class T>
GIEMSA_INLINE void affine_body(T* dst, const T* src, const float* scale, const float* shift, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) store(dst[i], load(src[i]) * scale[i] + shift[i]);
}
GIEMSA_SIMD void affine_row(float* dst, const float* src, const float* scale, const float* shift, std::int64_t count) {
  affine_body(dst, src, scale, shift, count);
}
GIEMSA_SIMD void affine_row(Bf16* dst, const Bf16* src, const float* scale, const float* shift, std::int64_t count) {
  affine_body(dst, src, scale, shift, count);
}

constexpr std::int64_t row_elements = 4096;

/// Calls body(T*) with the floating type that `dtype` names.
template <class Body>
void with_type(DType dtype, Body body) {
  if (dtype == DType::bf16)
    body(static_cast<Bf16*>(nullptr));
  else
    body(static_cast<float*>(nullptr));
}

}  // namespace

void copy_pixels(const Nhwc& dst, const Nhwc& src) {
  const float factor = src.scale / dst.scale;
  // Pixels without gaps between them are one long row: pictures of three channels would otherwise have very short ones.
  const bool dense = dst.pixel_stride == dst.c && src.pixel_stride == src.c;
  const std::int64_t pixels_a_row = dense ? std::max<std::int64_t>(1, row_elements / src.c) : 1;
  const std::int64_t rows = (src.pixels() + pixels_a_row - 1) / pixels_a_row;
  with_element_type(dst.dtype, [&]<class To>(To*) {
    with_element_type(src.dtype, [&]<class From>(From*) {
#pragma omp parallel for schedule(static)
      for (std::int64_t row = 0; row < rows; ++row) {
        const std::int64_t first = row * pixels_a_row, count = std::min(pixels_a_row, src.pixels() - first);
        copy_row(dst.pixel<To>(first), src.pixel<From>(first), count * src.c, factor);
      }
    });
  });
}

void add_pixels(const Nhwc& dst, const Nhwc& a, const Nhwc& b, Activation activation) {
  with_type(dst.dtype, [&]<class T>(T*) {
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < dst.pixels(); ++i)
      add_row(dst.pixel<T>(i), a.pixel<T>(i), b.pixel<T>(i), dst.c, activation == Activation::relu);
  });
}

void relu_pixels(const Nhwc& dst, const Nhwc& src) {
  with_type(dst.dtype, [&]<class T>(T*) {
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < dst.pixels(); ++i) relu_row(dst.pixel<T>(i), src.pixel<T>(i), dst.c);
  });
}

void affine_pixels(const Nhwc& dst, const Nhwc& src, const float* scale, const float* shift) {
  with_type(dst.dtype, [&]<class T>(T*) {
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < dst.pixels(); ++i) affine_row(dst.pixel<T>(i), src.pixel<T>(i), scale, shift, dst.c);
  });
}

void import_nchw(const Nhwc& dst, const float* src) {
  const std::int64_t plane = dst.h * dst.w;
  const float factor = 1.0f / dst.scale;
  with_element_type(dst.dtype, [&]<class T>(T*) {
#pragma omp parallel for schedule(static)
    for (std::int64_t row = 0; row < dst.n * dst.h; ++row) {
      const float* from = src + row / dst.h * plane * dst.c + row % dst.h * dst.w;
      T* to = dst.pixel<T>(row * dst.w);
      if (dst.c == 3 && dst.pixel_stride == 3)
        interleave_3(to, from, plane, dst.w, factor);
      else
        for (std::int64_t x = 0; x < dst.w; ++x)
          for (std::int64_t c = 0; c < dst.c; ++c) store(to[x * dst.pixel_stride + c], from[c * plane + x] * factor);
    }
  });
}

void export_nchw(float* dst, const Nhwc& src) {
  const std::int64_t plane = src.h * src.w;
  with_element_type(src.dtype, [&]<class T>(T*) {
#pragma omp parallel for schedule(static)
    for (std::int64_t row = 0; row < src.n * src.h; ++row) {
      float* to = dst + row / src.h * plane * src.c + row % src.h * src.w;
      const T* from = src.pixel<T>(row * src.w);
      if (src.c == 2 && src.pixel_stride == 2)
        separate_2(to, from, plane, src.w, src.scale);
      else
        for (std::int64_t x = 0; x < src.w; ++x)
          for (std::int64_t c = 0; c < src.c; ++c) to[c * plane + x] = load(from[x * src.pixel_stride + c]) * src.scale;
    }
  });
}

void flatten(std::uint8_t* dst, float scale, const Nhwc& src) {
  // Threads take channels, not rows of pixels: planes of a few bytes share cache lines, which would go to and fro.
  constexpr std::int64_t most = 64;
  const std::int64_t plane = src.h * src.w, blocks = (src.c + most - 1) / most;
  const float factor = src.scale / scale;
  with_element_type(src.dtype, [&]<class T>(T*) {
#pragma omp parallel for schedule(static)
    for (std::int64_t job = 0; job < src.n * blocks; ++job) {
      const std::int64_t image = job / blocks, first = job % blocks * most, count = std::min(most, src.c - first);
      std::uint8_t* to = dst + (image * src.c + first) * plane;
      for (std::int64_t i = 0; i < plane; ++i) {
        std::uint8_t pixel[most];
        copy_row(pixel, src.pixel<T>(image * plane + i) + first, count, factor);
        for (std::int64_t c = 0; c < count; ++c) to[c * plane + i] = pixel[c];
      }
    }
  });
}

void softmax_rows(float* dst, const float* src, std::int64_t n, std::int64_t k) {
  for (std::int64_t row = 0; row < n; ++row, dst += k, src += k) {
    const float largest = *std::max_element(src, src + k);
    double sum = 0;
    for (std::int64_t i = 0; i < k; ++i) sum += dst[i] = std::exp(src[i] - largest);
    for (std::int64_t i = 0; i < k; ++i) dst[i] = static_cast<float>(dst[i] / sum);
  }
}

}  // namespace giemsa::cpu
