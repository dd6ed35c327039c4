#include "tools/samples/white_cell.h"

namespace giemsa::samples {
namespace {

float distance(const Lobe& lobe, Vec p) {
  const Vec rod = lobe.to - lobe.from, offset = p - lobe.from;
  const float along = std::clamp(dot(offset, rod) / std::max(dot(rod, rod), 1e-6f), 0.0f, 1.0f);
  return length(offset - rod * along) - lobe.radius;
}

/// The smaller of two distances, rounded off where they are within `blend` of each other (Quilez, polynomial smooth
/// minimum).
float smooth_min(float a, float b, float blend) {
  const float h = std::max(blend - std::abs(a - b), 0.0f) / blend;
  return std::min(a, b) - h * h * blend * 0.25f;
}

float distance_to_any(const std::vector<Lobe>& lobes, Vec p, float blend) {
  float nearest = 1e6f;
  for (const Lobe& lobe : lobes) nearest = smooth_min(nearest, distance(lobe, p), blend);
  return nearest;
}

}  // namespace

void paint_white_cell(Canvas& canvas, const WhiteCell& cell, std::uint16_t label) {
  constexpr float kSoft = 0.12f;
  const std::uint32_t seed = cell.texture;
  canvas.for_each_near(cell.body.centre, cell.body.reach() + kSoft, [&](int x, int y, Vec place) {
    const float body = cell.body.distance(place);
    const float alpha = coverage(body, kSoft);
    if (alpha <= 0) return;

    const Vec p = place - cell.body.centre;
    const Vec wander{noise(seed + 10, p * 0.7f), noise(seed + 20, p * 0.7f)};
    const float nucleus_distance = std::max(distance_to_any(cell.nucleus, p + wander * 0.35f, 0.5f), body + 0.15f);
    const float nucleus = coverage(nucleus_distance, kSoft);
    const float grained = cell.grains.radius > 0 ? grain(seed + 30, cell.grains, p) : 0;

    // Cytoplasm is thinnest, so palest, at the rim.
    const float thickness = (0.8f + 0.2f * smoothstep(0, 2, -body)) * (1 + 0.18f * cloud(seed + 40, p * 0.6f));
    Colour colour = mix(Colour{}, cell.cytoplasm, thickness);
    colour = mix(colour, cell.grain_colour, grained * (1 - nucleus));
    const float clumps = cloud(seed + 50, p * 1.1f);
    const float membrane = smoothstep(0.5f, 0, -nucleus_distance);
    const Colour chromatin = mix(Colour{}, cell.chromatin, 1 + cell.clumping * (clumps + 0.4f * membrane));
    colour = mix(colour, chromatin * (1 - 0.5f * cell.clumping * clumps), nucleus);
    colour = mix(colour, cell.grain_colour, grained * nucleus * cell.grains_over_nucleus);
    if (!cell.vacuoles.empty()) {
      const float hole = coverage(distance_to_any(cell.vacuoles, p, 0.1f), 0.2f);
      colour = mix(colour, Colour{0.97f, 0.95f, 1}, 0.7f * hole * (1 - 0.6f * nucleus));
    }

    canvas.light.at(x, y) = mix(canvas.light.at(x, y), colour, alpha);
    if (alpha < 0.5f) return;
    canvas.labels.at(x, y) = label;
    canvas.mask.at(x, y) = nucleus < 0.5f ? 128 : 255;
  });
}

}  // namespace giemsa::samples
