// Textures that are pure functions of a seed and a place.
#pragma once

#include <cstdint>

#include "tools/samples/geometry.h"

namespace giemsa::samples {

/// Smooth value noise in [-1, 1], features about one unit wide.
float noise(std::uint32_t seed, Vec p);

/// Three octaves of noise(), within [-1, 1].
float cloud(std::uint32_t seed, Vec p);

/// Round grains scattered over a jittered grid.
struct Grains {
  float spacing = 1;  ///< mean distance of neighbours, micrometres
  float radius = 0;   ///< micrometres, of the largest; the smallest have 0.6 of it
  float density = 1;  ///< fraction of the grid's places that hold a grain
};

/// How much a grain covers `p`, in [0, 1].
float grain(std::uint32_t seed, const Grains& grains, Vec p);

}  // namespace giemsa::samples
