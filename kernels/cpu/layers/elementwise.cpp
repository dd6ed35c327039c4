#include "kernels/cpu/layers/elementwise.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels/cpu/ceil_div.h"
#include "kernels/cpu/parallel.h"

#define GIEMSA_SIMD_LOOPS "kernels/cpu/layers/elementwise.simd.h"
#include "kernels/cpu/simd_sets.h"

namespace giemsa::kernels::cpu {

namespace {

constexpr std::int64_t row_elements = 4096;

/// Calls body(T*) with the type of `element`, which is floating.
template <class Body>
void with_floating_type(Element element, Body body) {
  if (element == Element::bf16)
    body(static_cast<Bf16*>(nullptr));
  else
    body(static_cast<float*>(nullptr));
}

}  // namespace

void copy_pixels(const Nhwc& dst, const Nhwc& src) {
  const float factor = src.scale / dst.scale;
  // Pixels without gaps between them are one long row: maps of three channels would otherwise have very short ones.
  const bool dense = dst.pixel_stride == dst.c && src.pixel_stride == src.c;
  const std::int64_t pixels_a_row = dense ? std::max<std::int64_t>(1, row_elements / src.c) : 1;
  with_element_type(dst.element, [&]<class To>(To*) {
    with_element_type(src.element, [&]<class From>(From*) {
      const auto copy = GIEMSA_SIMD_BEST(copy_row<To, From>);
      parallel_for(ceil_div(src.pixels(), pixels_a_row), [&](std::int64_t row) {
        const std::int64_t first = row * pixels_a_row, count = std::min(pixels_a_row, src.pixels() - first);
        copy(dst.pixel<To>(first), src.pixel<From>(first), count * src.c, factor);
      });
    });
  });
}

void add_pixels(const Nhwc& dst, const Nhwc& a, const Nhwc& b, bool relu) {
  with_floating_type(dst.element, [&]<class T>(T*) {
    const auto add = GIEMSA_SIMD_BEST(add_row<T>);
    parallel_for(dst.pixels(),
                 [&](std::int64_t i) { add(dst.pixel<T>(i), a.pixel<T>(i), b.pixel<T>(i), dst.c, relu); });
  });
}

void relu_pixels(const Nhwc& dst, const Nhwc& src, float ceiling) {
  with_floating_type(dst.element, [&]<class T>(T*) {
    const auto relu = GIEMSA_SIMD_BEST(relu_row<T>);
    parallel_for(dst.pixels(), [&](std::int64_t i) { relu(dst.pixel<T>(i), src.pixel<T>(i), dst.c, ceiling); });
  });
}

void affine_pixels(const Nhwc& dst, const Nhwc& src, const float* scale, const float* shift) {
  with_floating_type(dst.element, [&]<class T>(T*) {
    const auto affine = GIEMSA_SIMD_BEST(affine_row<T>);
    parallel_for(dst.pixels(), [&](std::int64_t i) { affine(dst.pixel<T>(i), src.pixel<T>(i), scale, shift, dst.c); });
  });
}

void import_nchw(const Nhwc& dst, const float* src) {
  const std::int64_t plane = dst.h * dst.w;
  const float factor = 1.0f / dst.scale;
  with_element_type(dst.element, [&]<class T>(T*) {
    const auto interleave = GIEMSA_SIMD_BEST(interleave_3<T>);
    parallel_for(dst.n * dst.h, [&](std::int64_t row) {
      const float* from = src + row / dst.h * plane * dst.c + row % dst.h * dst.w;
      T* to = dst.pixel<T>(row * dst.w);
      if (dst.c == 3 && dst.pixel_stride == 3) return interleave(to, from, plane, dst.w, factor);
      for (std::int64_t x = 0; x < dst.w; ++x)
        for (std::int64_t c = 0; c < dst.c; ++c) store(to[x * dst.pixel_stride + c], from[c * plane + x] * factor);
    });
  });
}

void export_nchw(float* dst, const Nhwc& src) {
  const std::int64_t plane = src.h * src.w;
  with_element_type(src.element, [&]<class T>(T*) {
    const auto separate = GIEMSA_SIMD_BEST(separate_2<T>);
    parallel_for(src.n * src.h, [&](std::int64_t row) {
      float* to = dst + row / src.h * plane * src.c + row % src.h * src.w;
      const T* from = src.pixel<T>(row * src.w);
      if (src.c == 2 && src.pixel_stride == 2) return separate(to, from, plane, src.w, src.scale);
      for (std::int64_t x = 0; x < src.w; ++x)
        for (std::int64_t c = 0; c < src.c; ++c) to[c * plane + x] = load(from[x * src.pixel_stride + c]) * src.scale;
    });
  });
}

void flatten(std::uint8_t* dst, float scale, const Nhwc& src) {
  // Threads take channels, not rows of pixels: planes of a few bytes share cache lines, which would go to and fro.
  constexpr std::int64_t most = 64;
  const std::int64_t plane = src.h * src.w, blocks = ceil_div(src.c, most);
  const float factor = src.scale / scale;
  with_element_type(src.element, [&]<class T>(T*) {
    const auto copy = GIEMSA_SIMD_BEST(copy_row<std::uint8_t, T>);
    parallel_for(src.n * blocks, [&](std::int64_t job) {
      const std::int64_t image = job / blocks, first = job % blocks * most, count = std::min(most, src.c - first);
      std::uint8_t* to = dst + (image * src.c + first) * plane;
      for (std::int64_t i = 0; i < plane; ++i) {
        std::uint8_t pixel[most];
        copy(pixel, src.pixel<T>(image * plane + i) + first, count, factor);
        for (std::int64_t c = 0; c < count; ++c) to[c * plane + i] = pixel[c];
      }
    });
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

}  // namespace giemsa::kernels::cpu
