// Decides, for a graph, where each value lives and how it is stored, before any kernel is chosen.
//
// Network tensors are NHWC on both backends. Measured on the convolutions of ResNet-50 and the DeepLabv3+ head (batch
// 1, AVX-512), oneDNN's NHWC kernels (brgconv) are as fast as or faster than its channel-blocked ones; tensor cores
// want channels adjacent; a channel slice of a concatenation is then a plain stride, and frames arrive in this order.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "engine/base/region.h"
#include "engine/graph/graph.h"
#include "engine/plan/plan.h"

namespace giemsa {

/// Which element type an object of type T is made of: what Buffer::as() checks. Backends add their own.
template <class T>
inline constexpr std::optional<DType> element_of = std::nullopt;
template <>
inline constexpr std::optional<DType> element_of<float> = DType::f32;
template <>
inline constexpr std::optional<DType> element_of<std::uint8_t> = DType::u8;
template <>
inline constexpr std::optional<DType> element_of<std::int8_t> = DType::i8;
template <>
inline constexpr std::optional<DType> element_of<std::int32_t> = DType::i32;
template <>
inline constexpr std::optional<DType> element_of<RegionCount> = DType::i32;

/// Where a value lives in memory, and how it is stored there.
struct Buffer {
  DType dtype = DType::f32;       ///< as stored: network tensors may be narrower than fp32
  Shape shape;                    ///< logical: {N,C,H,W}, {N,K}, ...
  float scale = 1;                ///< what one step of an element stored in 8 bits stands for
  std::int64_t pixel_stride = 0;  ///< of a network tensor: elements from a pixel (or row) to the next
  bool channels_last = false;     ///< a flattened feature map left as it lies: rows in H, W, C order
  int block = -1;                 ///< memory block it lives in; -1: the caller's memory
  std::size_t offset = 0;         ///< bytes into the block
  std::byte* data = nullptr;      ///< where it is, once memory is bound

  std::int64_t pixels() const { return shape.rank() == 4 ? shape[0] * shape[2] * shape[3] : shape[0]; }
  std::int64_t channels() const { return shape[1]; }

  /// The elements. Throws Error(internal) where another type is stored: a wrong storage rule becomes an error, not
  /// wrong numbers.
  template <class T>
  T* as() const {
    static_assert(element_of<T>, "no element type is known for T");
    check(dtype == element_of<T>, ErrorKind::internal, "a buffer of ", dtype, " is read as ", *element_of<T>);
    return reinterpret_cast<T*>(data);
  }
  /// The memory of scratch, which has no element type.
  template <class T>
  T* raw() const {
    return reinterpret_cast<T*>(data);
  }
};

/// What a backend's kernels ask of the tensors they work on.
struct LayoutRules {
  DType precision = DType::f32;  ///< of network tensors, but for what only fp32 readers read
  bool int8 = false;             ///< what was calibrated is stored in 8 bits where the kernels can (not with `uniform`)
  /// Pixels, and slots of a concatenation, start at multiples of so many channels.
  std::int64_t channel_alignment = 1;
  std::int64_t row_alignment = 1;  ///< the same for the rows of {N,K}
  /// Every kernel but a matrix product writes the type that it reads: rows and network inputs are stored in
  /// `precision` too. Otherwise they are fp32.
  bool uniform = false;
};

struct Layout {
  std::vector<Buffer> buffers;   ///< one per value
  std::vector<Lifetime> blocks;  ///< memory blocks that buffers live in; a step's number is its node's
  std::vector<bool> in_place;    ///< per node: a residual convolution that overwrites its residual input
};

/// Rules beyond those given: slots of a concat are strided views of its block; a residual convolution takes over its
/// residual's block where that value dies there.
Layout lay_out(const Graph& graph, const LayoutRules& rules);

/// Whether elements are stored in 8 bits, with a scale.
constexpr bool is_8bit(DType dtype) {
  return dtype == DType::i8 || dtype == DType::u8;
}

}  // namespace giemsa
