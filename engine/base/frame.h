// Images in host memory: what decoders make, networks read and picture writers draw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace giemsa {

/// A colour image: 8-bit sRGB, interleaved, rows top to bottom without padding (height x width x 3).
struct Frame {
  Frame() = default;
  Frame(int width_, int height_)
      : width(width_), height(height_), rgb(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) * 3) {}

  /// The three bytes R, G, B of pixel (x, y).
  std::uint8_t* at(int x, int y) { return rgb.data() + offset(x, y); }
  const std::uint8_t* at(int x, int y) const { return rgb.data() + offset(x, y); }

  int width = 0, height = 0;
  std::vector<std::uint8_t> rgb;

 private:
  std::size_t offset(int x, int y) const {
    return (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) * 3;
  }
};

/// One value a pixel, rows top to bottom without padding (height x width).
template <class T>
struct Plane {
  Plane() = default;
  Plane(int width_, int height_)
      : width(width_), height(height_), pixels(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_)) {}

  T& at(int x, int y) { return pixels[offset(x, y)]; }
  const T& at(int x, int y) const { return pixels[offset(x, y)]; }

  int width = 0, height = 0;
  std::vector<T> pixels;

 private:
  std::size_t offset(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
  }
};

using Mask = Plane<std::uint8_t>;     ///< nonzero where a cell is
using Labels = Plane<std::uint16_t>;  ///< 0 background, 1..N the cells

}  // namespace giemsa
