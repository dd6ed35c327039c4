// Which taps of a sliding window lie inside a feature map.
#pragma once

#include <algorithm>
#include <cstdint>

namespace giemsa::kernels::cpu {

struct Range {
  std::int64_t begin, end;
};

/// Taps k for which 0 <= origin + k * dilation < extent.
inline Range taps_inside(std::int64_t origin, std::int64_t dilation, std::int64_t kernel, std::int64_t extent) {
  const std::int64_t begin = origin >= 0 ? 0 : (-origin + dilation - 1) / dilation;
  const std::int64_t end = origin >= extent ? 0 : std::min(kernel, (extent - 1 - origin) / dilation + 1);
  return {begin, std::max(begin, end)};
}

}  // namespace giemsa::kernels::cpu
