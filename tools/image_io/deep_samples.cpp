#include "tools/image_io/deep_samples.h"

#include <algorithm>

namespace giemsa {
namespace {

constexpr int all_bits = 16;

bool fits(std::uint32_t sample, int bits) {
  return sample < 1u << bits;
}

int bits_of(std::uint32_t largest, int significant_bits, DecodeNotes& notes) {
  if (significant_bits > 0) return fits(largest, significant_bits) ? significant_bits : all_bits;
  if (largest == 0) return all_bits;
  for (const int bits : {8, 10, 12, 14}) {
    if (!fits(largest, bits)) continue;
    notes.warning = cat("its 16-bit samples reach only ", largest, ": they are read as ", bits, "-bit samples");
    return bits;
  }
  return all_bits;
}

}  // namespace

Frame to_eight_bits(const DeepFrame& deep, int significant_bits, DecodeNotes& notes) {
  const std::uint32_t largest = *std::ranges::max_element(deep.rgb);
  const std::uint32_t white = (1u << bits_of(largest, significant_bits, notes)) - 1;
  Frame frame(deep.width, deep.height);
  std::ranges::transform(deep.rgb, frame.rgb.begin(), [white](std::uint32_t sample) {
    return static_cast<std::uint8_t>((sample * 255 + white / 2) / white);
  });
  return frame;
}

}  // namespace giemsa
