// The outline of a cell: an ellipse pushed in and out.
#pragma once

#include <cstdint>

#include "tools/samples/noise.h"

namespace giemsa::samples {

struct Outline {
  Vec centre = {};
  float a = 1, b = 1;   ///< half axes, micrometres
  Vec axis{1, 0};       ///< unit vector along a
  float roughness = 0;  ///< how far the rim wanders, as a fraction of the half axes
  float waviness = 1;   ///< how often it does: 1 egg-shaped, 4 frayed
  std::uint32_t seed = 0;

  /// 0 at the centre, 1 on the rim, growing outwards.
  float fraction(Vec p) const {
    const Vec q = into_frame(p - centre, axis);
    const Vec scaled{q.x / a, q.y / b};
    const float radius = length(scaled);
    if (radius < 1e-6f) return 0;
    // Noise read along a circle closes on itself and needs no angle. Centred on a node of the noise it would look
    // square.
    return radius / (1 + roughness * noise(seed, scaled * (waviness / radius) + Vec{0.31f, 0.67f}));
  }

  /// How far the rim is from the centre in the direction of a unit vector.
  float rim(Vec towards) const { return 1 / fraction(centre + towards); }

  /// Signed distance to the rim in micrometres, negative inside; exact for a circle, near enough otherwise.
  float distance(Vec p) const { return (fraction(p) - 1) * std::min(a, b); }

  /// No point of the rim is further from the centre.
  float reach() const { return std::max(a, b) * (1 + roughness); }
};

}  // namespace giemsa::samples
