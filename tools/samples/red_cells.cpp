#include "tools/samples/red_cells.h"

namespace giemsa::samples {
namespace {

struct RedCell {
  Outline rim;
  Colour colour;
  float pallor;        ///< how much of the colour the centre lacks, 0 to 1
  float pallor_width;  ///< where it ends, as a fraction of the rim
};

RedCell make_red_cell(const Stain& stain, Vec centre, Random& random) {
  const float radius = random.uniform(3.3f, 4.2f);
  const float squeeze = random.uniform(0.7f, 1);
  const Outline rim{.centre = centre,
                    .a = radius,
                    .b = radius * squeeze,
                    .axis = direction(random.uniform(0, 1)),
                    .roughness = random.uniform(0.05f, 0.25f),
                    .waviness = random.uniform(0.7f, 1.6f),
                    .seed = random.seed()};
  const Colour colour = mix(Colour{}, stain.red_cell, random.uniform(0.75f, 1.15f));
  // Thick parts of a smear lose the pale centre; thin, washed-out cells are little more than rings.
  const bool ring = random.chance(0.25f);
  const float pallor = ring ? random.uniform(0.55f, 0.8f) : random.uniform(0, 0.4f);
  return {rim, colour, pallor, random.uniform(0.6f, 0.85f)};
}

void paint(Canvas& canvas, const RedCell& cell) {
  constexpr float kSoft = 0.18f;
  canvas.for_each_near(cell.rim.centre, cell.rim.reach() + kSoft, [&](int x, int y, Vec p) {
    const float fraction = cell.rim.fraction(p);
    const float covered = coverage((fraction - 1) * cell.rim.b, kSoft);
    if (covered <= 0) return;
    const float dip = cell.pallor * (1 - smoothstep(0.15f, cell.pallor_width, fraction));
    Colour& light = canvas.light.at(x, y);
    // A cell that lies on another takes only half the light it would take alone: both flatten where they touch.
    const float taken = mix(1, 0.45f, smoothstep(1, cell.colour.g, light.g));
    light = light * mix(Colour{}, cell.colour, covered * (1 - dip) * taken);
  });
}

/// A drop of trapped water or a drying mark: a bright spot in a dark ring.
void paint_refractile_spot(Canvas& canvas, Vec centre, Random& random) {
  const Outline spot{.centre = centre,
                     .a = random.uniform(0.35f, 0.8f),
                     .b = random.uniform(0.25f, 0.4f),
                     .axis = direction(random.uniform(0, 1)),
                     .roughness = 0.3f,
                     .seed = random.seed()};
  canvas.for_each_near(centre, spot.reach() * 1.5f, [&](int x, int y, Vec p) {
    const float fraction = spot.fraction(p);
    Colour& light = canvas.light.at(x, y);
    const float ring = 1 - std::min(1.0f, std::abs(fraction - 1) * 3);
    light = mix(light, light * Colour{0.72f, 0.62f, 0.68f}, ring);
    light = mix(light, Colour{1.08f, 1.05f, 1.05f}, 1 - smoothstep(0.5f, 0.85f, fraction));
  });
}

/// Red cells overlap at their rims but hardly ever pile up.
bool piled_up(Vec centre, const std::vector<Vec>& others, float distance) {
  return std::any_of(others.begin(), others.end(), [&](Vec other) { return length(centre - other) < distance; });
}

bool hidden(Vec centre, float radius, const std::vector<Outline>& white_cells) {
  for (const Outline& white : white_cells)
    if (length(centre - white.centre) < std::max(white.a, white.b) + radius * 0.75f) return true;
  return false;
}

}  // namespace

void paint_red_cells(Canvas& canvas, const Stain& stain, const std::vector<Outline>& white_cells, Random& random) {
  constexpr float kMeanArea = 40, kReach = 5;
  const Vec size = canvas.size();
  const float crowding = random.uniform(0.6f, 2.5f);
  const int count = static_cast<int>(crowding * (size.x + kReach) * (size.y + kReach) / kMeanArea);
  const float marks = random.chance(0.4f) ? random.uniform(0, 0.4f) : 0;
  std::vector<Vec> centres = {size * 0.5f};
  for (int i = 0; i < count; ++i) {
    // Red cells stick together: most land beside the one before.
    const bool stick = random.chance(0.6f);
    const Vec step = random.step(4.5f, 8);
    const Vec elsewhere{random.uniform(-kReach, size.x + kReach), random.uniform(-kReach, size.y + kReach)};
    const RedCell cell = make_red_cell(stain, stick ? centres.back() + step : elsewhere, random);
    const bool marked = random.chance(marks);
    const float apart = random.uniform(3.2f, 6.2f);
    const Vec centre = cell.rim.centre;
    if (hidden(centre, cell.rim.a, white_cells) || piled_up(centre, centres, apart)) continue;
    centres.push_back(centre);
    paint(canvas, cell);
    if (marked) paint_refractile_spot(canvas, centre, random);
  }
}

void paint_platelets(Canvas& canvas, const Stain& stain, const std::vector<Outline>& white_cells, Random& random) {
  constexpr float kSoft = 0.25f;
  const Vec size = canvas.size();
  const int count = random.integer(0, 2 + static_cast<int>(size.x * size.y / 400));
  for (int i = 0; i < count; ++i) {
    const float radius = random.uniform(0.6f, 1.5f);
    const Outline rim{.centre = {random.uniform(0, size.x), random.uniform(0, size.y)},
                      .a = radius,
                      .b = radius * random.uniform(0.6f, 1),
                      .axis = direction(random.uniform(0, 1)),
                      .roughness = 0.3f,
                      .waviness = 2,
                      .seed = random.seed()};
    const float strength = random.uniform(0.5f, 1);
    if (hidden(rim.centre, radius, white_cells)) continue;
    canvas.for_each_near(rim.centre, rim.reach() + kSoft, [&](int x, int y, Vec p) {
      const float covered = coverage((rim.fraction(p) - 1) * rim.b, kSoft);
      const float speckled = 0.75f + 0.5f * noise(rim.seed + 1, p * 2.5f);
      Colour& light = canvas.light.at(x, y);
      light = mix(light, mix(Colour{}, stain.platelet, speckled), strength * covered);
    });
  }
}

}  // namespace giemsa::samples
