#include "engine/cpu/elementwise.h"

#include <algorithm>
#include <cmath>

#include "engine/cpu/simd.h"

namespace giemsa::cpu {

namespace {

template <class To, class From>
GIEMSA_INLINE void copy_body(To* dst, const From* src, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) store(dst[i], load(src[i]));
}
GIEMSA_SIMD void copy_row(float* dst, const float* src, std::int64_t count) {
  copy_body(dst, src, count);
}
GIEMSA_SIMD void copy_row(Bf16* dst, const Bf16* src, std::int64_t count) {
  std::copy_n(src, count, dst);
}
GIEMSA_SIMD void copy_row(Bf16* dst, const float* src, std::int64_t count) {
  copy_body(dst, src, count);
}
GIEMSA_SIMD void copy_row(float* dst, const Bf16* src, std::int64_t count) {
  copy_body(dst, src, count);
}

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

/// Calls body(T*) with the type that `dtype` names.
template <class Body>
void with_type(DType dtype, Body body) {
  if (dtype == DType::bf16)
    body(static_cast<Bf16*>(nullptr));
  else
    body(static_cast<float*>(nullptr));
}

}  // namespace

void copy_pixels(const Nhwc& dst, const Nhwc& src) {
  with_type(dst.dtype, [&]<class To>(To*) {
    with_type(src.dtype, [&]<class From>(From*) {
#pragma omp parallel for schedule(static)
      for (std::int64_t i = 0; i < src.pixels(); ++i) copy_row(dst.pixel<To>(i), src.pixel<From>(i), src.c);
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
  with_type(dst.dtype, [&]<class T>(T*) {
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < dst.pixels(); ++i) {
      const float* image = src + i / plane * plane * dst.c + i % plane;
      for (std::int64_t c = 0; c < dst.c; ++c) store(dst.pixel<T>(i)[c], image[c * plane]);
    }
  });
}

void export_nchw(float* dst, const Nhwc& src) {
  const std::int64_t plane = src.h * src.w;
  with_type(src.dtype, [&]<class T>(T*) {
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < src.pixels(); ++i) {
      float* image = dst + i / plane * plane * src.c + i % plane;
      for (std::int64_t c = 0; c < src.c; ++c) image[c * plane] = load(src.pixel<T>(i)[c]);
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
