// The loops of depthwise.cpp, compiled for each instruction set.

#include "kernels/cpu/vectors.simd.h"

/// How many vectors of sums of a pixel are kept in registers: of 16 registers half, of 32 those of 64 channels.
constexpr std::int64_t block_vectors = vector_bytes == 64 ? 4 : 8;

/// The taps of one output pixel that lie inside the input.
struct PixelWindow {
  std::int64_t image_row, y, x;  ///< first row of the image among all rows; where tap (0,0) reads
  Range rows, columns;
};

/// Channels c .. c + Vectors * lanes of one output pixel. Their sums stay in registers.
template <std::int64_t Vectors, class To, class T>
GIEMSA_INLINE void depthwise_block(To* out, const Nhwc& src, const float* weights, const float* bias,
                                   const DepthwiseParams& op, const PixelWindow& taps, std::int64_t c) {
  Float sums[Vectors];
  for (std::int64_t v = 0; v < Vectors; ++v) load(sums[v], bias + c + v * lanes);
  for (std::int64_t ky = taps.rows.begin; ky < taps.rows.end; ++ky) {
    const std::int64_t row = (taps.image_row + taps.y + ky * op.window.dilation.h) * src.w + taps.x;
    for (std::int64_t kx = taps.columns.begin; kx < taps.columns.end; ++kx) {
      const T* in = src.pixel<T>(row + kx * op.window.dilation.w) + c;
      const float* tap = weights + (ky * op.window.kernel.w + kx) * src.c + c;
      for (std::int64_t v = 0; v < Vectors; ++v) {
        Float value, weight;
        load(value, in + v * lanes);
        load(weight, tap + v * lanes);
        sums[v] += value * weight;
      }
    }
  }
  for (std::int64_t v = 0; v < Vectors; ++v) {
    if (op.relu) {
      sums[v] = sums[v] < 0.0f ? Float{} : sums[v];
      sums[v] = sums[v] > op.ceiling ? Float{} + op.ceiling : sums[v];
    }
    store(out + c + v * lanes, sums[v]);
  }
}

/// One channel of one output pixel: what is left beyond whole vectors.
template <class To, class T>
GIEMSA_INLINE void depthwise_channel(To* out, const Nhwc& src, const float* weights, const float* bias,
                                     const DepthwiseParams& op, const PixelWindow& taps, std::int64_t c) {
  float sum = bias[c];
  for (std::int64_t ky = taps.rows.begin; ky < taps.rows.end; ++ky) {
    const std::int64_t row = (taps.image_row + taps.y + ky * op.window.dilation.h) * src.w + taps.x;
    for (std::int64_t kx = taps.columns.begin; kx < taps.columns.end; ++kx)
      sum += cpu::load(src.pixel<T>(row + kx * op.window.dilation.w)[c]) *
             weights[(ky * op.window.kernel.w + kx) * src.c + c];
  }
  if (op.relu) sum = sum < 0.0f ? 0.0f : sum > op.ceiling ? op.ceiling : sum;
  cpu::store(out[c], sum);
}

/// Output pixels begin .. end of a row, of any kernel.
template <class To, class T>
void depthwise_pixels(const Nhwc& dst, const Nhwc& src, const float* weights, const float* bias,
                      const DepthwiseParams& op, PixelWindow taps, std::int64_t row, Range pixels) {
  for (std::int64_t ox = pixels.begin; ox < pixels.end; ++ox) {
    taps.x = ox * op.window.stride.w - op.window.padding.w;
    taps.columns = taps_inside(taps.x, op.window.dilation.w, op.window.kernel.w, src.w);
    To* out = dst.pixel<To>(row * dst.w + ox);
    std::int64_t c = 0;
    for (; c + block_vectors * lanes <= src.c; c += block_vectors * lanes)
      depthwise_block<block_vectors, To, T>(out, src, weights, bias, op, taps, c);
    for (; c + lanes <= src.c; c += lanes) depthwise_block<1, To, T>(out, src, weights, bias, op, taps, c);
    for (; c < src.c; ++c) depthwise_channel<To, T>(out, src, weights, bias, op, taps, c);
  }
}

/// What a 3x3 kernel that moves along a row sees of a vector of channels. A step loads one column instead of three; the
/// weights stay in registers where there are 32 of them.
struct Moving3x3 {
  Float weights[9], bias, least, most;
  Float columns[3][3];  ///< [column modulo 3][row]
};

/// One output pixel, whose rightmost column `in` points to: the one that takes the place of columns[Newest].
template <int Newest, class To, class T>
GIEMSA_INLINE void depthwise_3x3_step(To* out, Moving3x3& kernel, const T* in, std::int64_t row_stride) {
  for (int ky = 0; ky < 3; ++ky) load(kernel.columns[Newest][ky], in + ky * row_stride);
  Float sum = kernel.bias;
  for (int ky = 0; ky < 3; ++ky)
    for (int kx = 0; kx < 3; ++kx) sum += kernel.columns[(Newest + 1 + kx) % 3][ky] * kernel.weights[3 * ky + kx];
  sum = sum < kernel.least ? kernel.least : sum;
  store(out, sum > kernel.most ? kernel.most : sum);
}

/// A vector of channels of `count` output pixels of a 3x3 kernel of stride and dilation 1, none of whose taps lie in
/// the padding. `in` is what the first tap of the first pixel reads.
template <class To, class T>
GIEMSA_INLINE void depthwise_3x3_strip(To* out, std::int64_t out_stride, const T* in, std::int64_t in_stride,
                                       std::int64_t row_stride, const float* weights, const float* bias,
                                       const DepthwiseParams& op, std::int64_t channels, std::int64_t count) {
  Moving3x3 kernel;
  for (int tap = 0; tap < 9; ++tap) load(kernel.weights[tap], weights + tap * channels);
  load(kernel.bias, bias);
  constexpr float infinity = std::numeric_limits<float>::infinity();
  kernel.least = Float{} + (op.relu ? 0.0f : -infinity);
  kernel.most = Float{} + (op.relu ? op.ceiling : infinity);
  for (int column = 0; column < 2; ++column, in += in_stride)
    for (int ky = 0; ky < 3; ++ky) load(kernel.columns[column][ky], in + ky * row_stride);
  for (; count >= 3; count -= 3, in += 3 * in_stride, out += 3 * out_stride) {
    depthwise_3x3_step<2>(out, kernel, in, row_stride);
    depthwise_3x3_step<0>(out + out_stride, kernel, in + in_stride, row_stride);
    depthwise_3x3_step<1>(out + 2 * out_stride, kernel, in + 2 * in_stride, row_stride);
  }
  if (count > 0) depthwise_3x3_step<2>(out, kernel, in, row_stride);
  if (count > 1) depthwise_3x3_step<0>(out + out_stride, kernel, in + in_stride, row_stride);
}

template <class To, class T>
void depthwise_row(const Nhwc& dst, const Nhwc& src, const float* weights, const float* bias, const DepthwiseParams& op,
                   std::int64_t row) {
  PixelWindow taps{};
  taps.image_row = row / dst.h * src.h;
  taps.y = row % dst.h * op.window.stride.h - op.window.padding.h;
  taps.rows = taps_inside(taps.y, op.window.dilation.h, op.window.kernel.h, src.h);
  // Pixels without taps in the padding, of the kernel that shares what neighbours load.
  Range inner{0, 0};
  const bool moves = op.window.kernel == Extent{3, 3} && op.window.stride == Extent{1, 1} &&
                     op.window.dilation == Extent{1, 1} && src.c % lanes == 0 && taps.rows.end - taps.rows.begin == 3;
  if (moves && src.w >= 3) inner = {op.window.padding.w, op.window.padding.w + src.w - 2};
  depthwise_pixels<To, T>(dst, src, weights, bias, op, taps, row, {0, inner.begin});
  if (inner.begin < inner.end) {
    const T* in = src.pixel<T>((taps.image_row + taps.y) * src.w);
    To* out = dst.pixel<To>(row * dst.w + inner.begin);
    // A vector of channels along the whole row. In pieces of 30 pixels, which stay in the first level of cache until
    // all channels are done, fp32 took 1.2 times as long and the other types about as long.
    for (std::int64_t c = 0; c < src.c; c += lanes)
      depthwise_3x3_strip(out + c, dst.pixel_stride, in + c, src.pixel_stride, src.w * src.pixel_stride, weights + c,
                          bias + c, op, src.c, inner.end - inner.begin);
  }
  depthwise_pixels<To, T>(dst, src, weights, bias, op, taps, row, {inner.end, dst.w});
}
