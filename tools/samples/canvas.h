// What the painters paint on: the light that passes each point of the slide.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/base/frame.h"
#include "tools/samples/geometry.h"

namespace giemsa::samples {

/// The slide under the camera. Light starts at 1 everywhere (clear glass).
struct Canvas {
  Canvas(int width, int height, float pixels_per_micron_)
      : light(width, height), mask(width, height), labels(width, height), pixels_per_micron(pixels_per_micron_) {
    std::fill(light.pixels.begin(), light.pixels.end(), Colour{});
  }

  Vec size() const {
    return Vec{static_cast<float>(light.width), static_cast<float>(light.height)} * (1 / pixels_per_micron);
  }

  /// Calls paint(x, y, p) for every pixel within `reach` of `centre`; p is the place of its centre.
  template <class Paint>
  void for_each_near(Vec centre, float reach, Paint&& paint) const {
    const auto pixel = [&](float place, int limit) {
      return static_cast<int>(std::clamp(std::floor(place * pixels_per_micron), 0.0f, static_cast<float>(limit)));
    };
    const int right = pixel(centre.x + reach + 1 / pixels_per_micron, light.width);
    const int bottom = pixel(centre.y + reach + 1 / pixels_per_micron, light.height);
    for (int y = pixel(centre.y - reach, light.height); y < bottom; ++y)
      for (int x = pixel(centre.x - reach, light.width); x < right; ++x)
        paint(x, y, Vec{static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f} * (1 / pixels_per_micron));
  }

  Plane<Colour> light;
  Mask mask;      ///< 0 background, 128 cytoplasm, 255 nucleus
  Labels labels;  ///< 0 background, 1..N the white cells
  float pixels_per_micron;
};

}  // namespace giemsa::samples
