// A view of a network tensor in memory, and the element types that it may have.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "engine/base/tensor.h"

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

/// The nearest integer, halves to even, of what lies within +-2^22. In this form loops over it vectorise: added to 1.5
/// * 2^23 a number has its integer in the lowest bits.
inline std::int32_t round_to_even(float value) {
  return std::bit_cast<std::int32_t>(value + 0x1.8p23f) - std::bit_cast<std::int32_t>(0x1.8p23f);
}

// An element of 8 bits, in its own steps: scales are the caller's affair. What does not fit becomes the nearest that
// does; a NaN the lowest.
inline float load(const std::uint8_t& value) {
  return static_cast<float>(value);
}
inline float load(const std::int8_t& value) {
  return static_cast<float>(value);
}
inline void store(std::uint8_t& to, float value) {
  const float least = value > 0.0f ? value : 0.0f;
  to = static_cast<std::uint8_t>(round_to_even(least < 255.0f ? least : 255.0f));
}
inline void store(std::int8_t& to, float value) {
  const float least = value > -128.0f ? value : -128.0f;
  to = static_cast<std::int8_t>(round_to_even(least < 127.0f ? least : 127.0f));
}

/// Calls body(T*) with the element type that `dtype` names.
template <class Body>
void with_element_type(DType dtype, Body body) {
  switch (dtype) {
    case DType::bf16:
      return body(static_cast<Bf16*>(nullptr));
    case DType::u8:
      return body(static_cast<std::uint8_t*>(nullptr));
    case DType::i8:
      return body(static_cast<std::int8_t*>(nullptr));
    default:
      return body(static_cast<float*>(nullptr));
  }
}

/// n images of h x w pixels of c channels; a pixel's channels are contiguous, pixels are `pixel_stride` elements apart.
struct Nhwc {
  std::byte* data = nullptr;
  DType dtype = DType::f32;  ///< fp32, bf16, or 8 bits signed or not
  std::int64_t n = 0, h = 0, w = 0, c = 0, pixel_stride = 0;
  float scale = 1;  ///< what a step of 8 bits stands for

  std::int64_t pixels() const { return n * h * w; }
  template <class T>
  T* pixel(std::int64_t index) const {
    return reinterpret_cast<T*>(data) + index * pixel_stride;
  }
};

}  // namespace giemsa::cpu
