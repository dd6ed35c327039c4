// How the CPU backend lays a result out in memory.
//
// Activations are NHWC, fp32 or bf16. Measured on the convolutions of ResNet-50 and the DeepLabv3+ head (batch 1,
// AVX-512), oneDNN's NHWC kernels (brgconv) are as fast as or faster than its channel-blocked ones, a channel slice of
// a concatenation is then a plain stride, frames arrive in this order anyway, and the GPU backend uses the same.
#pragma once

#include <cstddef>

#include "engine/tensor.h"

namespace giemsa::cpu {

struct Value {
  DType dtype = DType::f32;       ///< as stored: fp32 or bf16 for network tensors
  Shape shape;                    ///< logical: {N,C,H,W}, {N,K}, ...
  std::int64_t pixel_stride = 0;  ///< of a network tensor: elements from a pixel's first channel to the next pixel's
  int block = -1;                 ///< memory block it lives in; -1: the caller's memory
  std::size_t offset = 0;         ///< bytes into the block
  std::byte* data = nullptr;      ///< where it is, once memory is bound

  std::int64_t pixels() const { return shape[0] * shape[2] * shape[3]; }
  std::int64_t channels() const { return shape[1]; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data);
  }
};

}  // namespace giemsa::cpu
