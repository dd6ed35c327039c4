// The colors of the classes, the same in every output, and of what has no class.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace giemsa {

using Color = std::array<std::uint8_t, 3>;  ///< R, G, B

/// A class's color, from the palette of Okabe and Ito ("Color Universal Design", 2008), which people with color-vision
/// deficiencies can tell apart. Its purple, closest to Giemsa stain, comes last.
constexpr Color class_color(int class_index) {
  constexpr std::array<Color, 7> palette = {
      {{0, 114, 178}, {213, 94, 0}, {0, 158, 115}, {240, 228, 66}, {86, 180, 233}, {230, 159, 0}, {204, 121, 167}}};
  return palette[static_cast<std::size_t>(class_index) % palette.size()];
}

inline constexpr Color no_class_color{128, 128, 128};

}  // namespace giemsa
