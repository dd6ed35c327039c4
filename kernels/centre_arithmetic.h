// Fixed-point numbers of what a centre head gives, and where its places lie in an image (see centres.h).
#pragma once

#include "kernels/centres.h"
#include "kernels/device.h"

namespace giemsa::kernels::centres {

inline constexpr int parts_of_place = 256;      // lengths are measured in these parts of a place of the head
inline constexpr float parts_of_value = 65536;  // of the heatmap
inline constexpr float greatest_value = 16384;  // so that the parts fit 31 bits
inline constexpr float longest_offset = 4096;

/// Whole parts of a number between -limit and limit, rounded towards 0; NaN is 0.
__device__ inline int fixed_point(float number, float parts, float limit) {
  if (number >= limit) return static_cast<int>(limit * parts);
  if (number <= -limit) return static_cast<int>(-limit * parts);
  return number == number ? static_cast<int>(number * parts) : 0;
}

__device__ inline int value_of(float heat) {
  return fixed_point(heat, parts_of_value, greatest_value);
}

/// The first place along a side of the head whose middle lies in a grid cell that starts at `pixel` or behind it. A
/// place i has its middle in pixel (2 i + 1) side / 2 places.
__device__ inline int first_place(int pixel, int side, int places) {
  return min(static_cast<int>((2LL * places * pixel + side - 1) / side / 2), places);
}

/// Where the middle of a pixel lies, in parts of a place.
__device__ inline int place_of(int pixel, int side, int places) {
  return static_cast<int>((2LL * pixel + 1) * places * parts_of_place / (2LL * side)) - parts_of_place / 2;
}

constexpr bool is_valid(const CentreHead& head) {
  constexpr int longest = 1 << 15;
  return head.size.h >= 1 && head.size.h <= longest && head.size.w >= 1 && head.size.w <= longest &&
         head.pixel_stride >= 3 && std::int64_t{head.size.h} * head.size.w * head.pixel_stride <= std::int64_t{1} << 31;
}

}  // namespace giemsa::kernels::centres
