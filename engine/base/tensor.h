// Shapes, element types and host tensors: the vocabulary that weights, graphs and backends share.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <span>
#include <string_view>
#include <vector>

#include "engine/base/check.h"

namespace giemsa {

enum class DType : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
    case DType::i64:
      return 8;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::f16:
    case DType::bf16:
    case DType::i16:
      return 2;
    case DType::i8:
    case DType::u8:
    case DType::boolean:
      return 1;
  }
  return 0;
}

constexpr std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return "fp64";
    case DType::f32:
      return "fp32";
    case DType::f16:
      return "fp16";
    case DType::bf16:
      return "bf16";
    case DType::i64:
      return "int64";
    case DType::i32:
      return "int32";
    case DType::i16:
      return "int16";
    case DType::i8:
      return "int8";
    case DType::u8:
      return "uint8";
    case DType::boolean:
      return "bool";
  }
  return "?";
}

inline std::ostream& operator<<(std::ostream& out, DType dtype) {
  return out << name_of(dtype);
}

/// Up to eight extents, outermost first. Rank 0 is a scalar; an extent of 0 makes an empty tensor.
class Shape {
 public:
  static constexpr int max_rank = 8;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents) : Shape(std::span(extents.begin(), extents.size())) {}
  explicit Shape(std::span<const std::int64_t> extents) : rank_(static_cast<int>(extents.size())) {
    check(extents.size() <= max_rank, ErrorKind::model, "rank ", extents.size(), " exceeds the limit of ", max_rank);
    for (int i = 0; i < rank_; ++i) {
      check(extents[i] >= 0, ErrorKind::model, "negative extent ", extents[i], " in a shape");
      extents_[i] = extents[i];
    }
  }

  int rank() const { return rank_; }
  std::int64_t operator[](int i) const { return extents_[i]; }
  std::span<const std::int64_t> extents() const { return {extents_.data(), static_cast<std::size_t>(rank_)}; }
  friend bool operator==(const Shape&, const Shape&) = default;

  /// Number of elements. Throws where it does not fit 62 bits, so that byte sizes never overflow silently.
  std::int64_t volume() const {
    std::int64_t product = 1;
    for (std::int64_t extent : extents()) {
      if (extent == 0) return 0;
      check(product <= (std::int64_t{1} << 59) / extent, ErrorKind::model, "a shape's volume overflows");
      product *= extent;
    }
    return product;
  }

 private:
  int rank_ = 0;
  std::array<std::int64_t, max_rank> extents_{};  // zero past rank, so that == is plain
};

inline std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  out << '{';
  for (int i = 0; i < shape.rank(); ++i) out << (i ? "," : "") << shape[i];
  return out << '}';
}

/// A dense row-major host tensor that shares ownership of immutable bytes: a cheap handle. Its bytes may live in a
/// mapped file (whatever keeps them alive is the shared owner) and are aligned to their element size.
class Tensor {
 public:
  Tensor() = default;
  Tensor(DType dtype, Shape shape, std::shared_ptr<const std::byte> bytes)
      : dtype_(dtype), shape_(shape), bytes_(std::move(bytes)) {}

  template <class T>
  static Tensor from(DType dtype, Shape shape, std::vector<T> values) {
    check(sizeof(T) == size_of(dtype) && static_cast<std::int64_t>(values.size()) == shape.volume(),
          ErrorKind::internal, values.size(), " values of ", sizeof(T), " bytes do not make a ", dtype, " tensor ",
          shape);
    auto owner = std::make_shared<std::vector<T>>(std::move(values));
    const auto* data = reinterpret_cast<const std::byte*>(owner->data());
    return Tensor(dtype, shape, std::shared_ptr<const std::byte>(std::move(owner), data));
  }
  static Tensor from(Shape shape, std::vector<float> values) { return from(DType::f32, shape, std::move(values)); }

  /// False for the tensor that is not there (an absent bias).
  explicit operator bool() const { return bytes_ != nullptr; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t size() const { return shape_.volume(); }
  std::size_t byte_size() const { return static_cast<std::size_t>(size()) * size_of(dtype_); }
  std::span<const std::byte> bytes() const { return {bytes_.get(), byte_size()}; }

  /// The elements as T; T must have the element type's size.
  template <class T>
  std::span<const T> as() const {
    check(sizeof(T) == size_of(dtype_), ErrorKind::internal, "a ", dtype_, " tensor read with ", sizeof(T),
          "-byte elements");
    return {reinterpret_cast<const T*>(bytes_.get()), static_cast<std::size_t>(size())};
  }

  /// The same elements under another shape of equal volume.
  Tensor reshaped(Shape shape) const {
    check(shape.volume() == size(), ErrorKind::internal, "cannot reshape ", shape_, " to ", shape);
    return Tensor(dtype_, shape, bytes_);
  }

 private:
  DType dtype_ = DType::f32;
  Shape shape_{0};
  std::shared_ptr<const std::byte> bytes_;
};

// ---- half-precision conversions (IEEE 754 binary16 and bfloat16, round to nearest even, NaN kept) ----

inline float bf16_to_f32(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

inline std::uint16_t f32_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);  // quiet NaN
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// Branch-free, so that loops over it vectorise: the magnitude's bits, read as an fp32 whose exponent is 112 too small.
inline float f16_to_f32(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000u) << 16, magnitude = bits & 0x7fffu;
  const auto finite = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude << 13) * 0x1p112f);
  const std::uint32_t special = magnitude >= 0x7c00u ? 0x7f800000u : 0u;  // infinity and NaN
  return std::bit_cast<float>(sign | finite | special);
}

inline std::uint16_t f32_to_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // rounds past 65504: infinity
  if (magnitude >= 0x38800000u) {                                                   // normal in binary16
    const std::uint32_t rebased = magnitude - ((127u - 15u) << 23);
    return static_cast<std::uint16_t>(sign | ((rebased + 0xfffu + ((rebased >> 13) & 1u)) >> 13));
  }
  // Subnormal: adding 0.5 shifts the mantissa into place and the addition itself rounds to nearest even.
  const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
  return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000u));
}

/// A copy with fp32 elements, from any floating or integer type.
Tensor to_f32(const Tensor& tensor);

/// A copy rounded to `dtype` (fp32, fp16 or bf16), from any floating type.
Tensor to_float_type(const Tensor& tensor, DType dtype);

}  // namespace giemsa
