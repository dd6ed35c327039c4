// A view of a network tensor in memory, and the two element types that it may have.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/tensor.h"

namespace giemsa::cpu {

/// bfloat16 as stored.
struct Bf16 {
  std::uint16_t bits;
};

inline float load(const float& value) {
  return value;
}
inline float load(const Bf16& value) {
  return bf16_to_f32(value.bits);
}
inline void store(float& to, float value) {
  to = value;
}
inline void store(Bf16& to, float value) {
  to.bits = f32_to_bf16(value);
}

/// n images of h x w pixels of c channels; a pixel's channels are contiguous, pixels are `pixel_stride` elements apart.
struct Nhwc {
  std::byte* data = nullptr;
  DType dtype = DType::f32;  ///< fp32 or bf16
  std::int64_t n = 0, h = 0, w = 0, c = 0, pixel_stride = 0;

  std::int64_t pixels() const { return n * h * w; }
  template <class T>
  T* pixel(std::int64_t index) const {
    return reinterpret_cast<T*>(data) + index * pixel_stride;
  }
};

}  // namespace giemsa::cpu
