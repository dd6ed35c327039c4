// Convolution of feature maps of few channels in bf16 or int8, as a network's first one is.
//
// The taps of a kernel row read kernel.w * C adjacent elements of NHWC: one stretch of 21 elements where ResNet starts
// (7 x 7, 3 channels), of 33 where AlexNet does (11 x 11). A convolution is then a matrix product whose left rows
// overlap in memory. An instruction multiplies 2 (bf16) or 4 (int8) elements per lane: cut from the stretch, they are
// all there but at its end (33 of 34, 33 of 36). oneDNN cuts them from the channels, 3 of 4 or 3 of 16; moving blocks
// of stride x stride pixels into the channels would pad the kernel instead (11 x 11 to 12 x 12, 7 x 7 to 8 x 8). fp32,
// whose lanes take one element, has nothing to gain: the same kernel was within 4 % of oneDNN's for AlexNet and a
// tenth slower for ResNet.
//
// It is bound by its FLOPs: a tile of 6 pixels by 64 outputs keeps 24 sums in registers, and loads 10 operands for 24
// multiply-adds. Each thread copies the few rows that its pixels read into a band of its own, padding included, so the
// loops know no edges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cpu/layers/convolution.h"

namespace giemsa::kernels::cpu {

/// Whether this CPU, and this build, have the kernel (AVX-512 with VNNI and BF16), and such a convolution gains by it:
/// input in bf16 or 8 bits, at most 4 channels, kernel rows without gaps, and at least 64 instructions per sum. With
/// fewer, storing the sums takes too much of the time (77, ResNet's in bf16, took 0.93 of oneDNN's time, 42, the same
/// in int8, 1.08).
bool stem_pays(const ConvolutionParams& params, Element element);

/// A vector's worth of packed weights.
struct alignas(64) StemLine {
  std::byte bytes[64];
};

struct StemWeights {
  std::vector<StemLine> lines;
  // One element per output, zeros up to a multiple of 16.
  std::vector<float> bias;
  std::vector<float> scale;           ///< what a sum of integers is multiplied by; empty in floating point
  std::vector<std::int32_t> surplus;  ///< in a sum, since signed inputs are read as 128 more than they are
};

/// `weight` {out, C, kernel.h, kernel.w}, which is rounded to bf16.
StemWeights pack_stem(const ConvolutionParams& params, std::span<const float> weight, std::span<const float> bias);

/// The same of integers, for inputs stored as `element`, u8 or i8; `scale` is what a sum of products is multiplied by.
StemWeights pack_stem(const ConvolutionParams& params, Element element, std::span<const std::int8_t> weight,
                      std::span<const float> bias, std::span<const float> scale);

/// For inputs of `width` pixels, on as many threads as a loop would run on now.
std::size_t stem_scratch_bytes(const ConvolutionParams& params, std::int64_t width, Element element);

/// dst = act(conv(src) + bias), in dst's element type. src has the type that the weights were packed for and
/// no gaps between pixels; dst may have. Elements of 8 bits count as they are stored: bias, scale and ceiling bring
/// the scales in.
void stem(const Nhwc& dst, const Nhwc& src, const StemWeights& weights, const ConvolutionParams& params,
          std::span<std::byte> scratch);

}  // namespace giemsa::kernels::cpu
