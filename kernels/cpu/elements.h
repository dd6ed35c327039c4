// The element types of feature maps, and how an element becomes a float and a float an element.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace giemsa::kernels::cpu {

enum class Element : std::uint8_t { f32, bf16, u8, i8 };

constexpr std::int64_t size_of(Element element) {
  return element == Element::f32 ? 4 : element == Element::bf16 ? 2 : 1;
}
constexpr bool is_8bit(Element element) {
  return element == Element::u8 || element == Element::i8;
}

/// bfloat16 as stored.
struct Bf16 {
  std::uint16_t bits;
};

/// Rounds to nearest, ties to even; a NaN stays one.
inline std::uint16_t bf16_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);  // a quiet NaN
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

inline float load(const float& value) {
  return value;
}
inline float load(const Bf16& value) {
  return std::bit_cast<float>(std::uint32_t{value.bits} << 16);
}
inline void store(float& to, float value) {
  to = value;
}
inline void store(Bf16& to, float value) {
  to.bits = bf16_bits(value);
}

/// The nearest integer, ties to even, of a number within +-2^22. In this form loops over it vectorise: added to 1.5 *
/// 2^23 a number has its integer in the lowest bits.
inline std::int32_t round_to_even(float value) {
  return std::bit_cast<std::int32_t>(value + 0x1.8p23f) - std::bit_cast<std::int32_t>(0x1.8p23f);
}

// An element of 8 bits counts as the integer that it is: scales are the caller's affair. A float outside of its range
// saturates; a NaN becomes the least element.
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

/// Calls body(T*) with the type of `element`.
template <class Body>
void with_element_type(Element element, Body body) {
  switch (element) {
    case Element::bf16:
      return body(static_cast<Bf16*>(nullptr));
    case Element::u8:
      return body(static_cast<std::uint8_t*>(nullptr));
    case Element::i8:
      return body(static_cast<std::int8_t*>(nullptr));
    case Element::f32:
      break;
  }
  body(static_cast<float*>(nullptr));
}

}  // namespace giemsa::kernels::cpu
