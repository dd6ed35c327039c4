// The morphology of the five kinds, as haematology atlases describe them.
#include "tools/samples/white_cell.h"

namespace giemsa::samples {
namespace {

/// A round or slightly oval body, `low` to `high` micrometres across.
Outline make_body(Random& random, float low, float high, float roughness, float waviness = 1.8f) {
  const float radius = random.uniform(low, high) / 2;
  const float squeeze = random.uniform(0.86f, 1);
  return {.a = radius,
          .b = radius * squeeze,
          .axis = direction(random.uniform(0, 1)),
          .roughness = roughness,
          .waviness = random.uniform(1, waviness),
          .seed = random.seed()};
}

/// `count` lobes along an arc around the cell's centre, joined by threads `thread` thick: all sizes as fractions of
/// `radius`.
struct LobeArc {
  int count;
  float arc;       ///< turns from the first lobe to the last
  float distance;  ///< of the lobes from the centre
  float length, thickness, thread;
};

std::vector<Lobe> make_lobes(Random& random, float radius, const LobeArc& shape) {
  std::vector<Lobe> lobes;
  const float start = random.uniform(0, 1);
  Vec previous;
  for (int i = 0; i < shape.count; ++i) {
    const float step = shape.count > 1 ? shape.arc / static_cast<float>(shape.count - 1) : 0;
    const float turns = start + step * (static_cast<float>(i) + random.uniform(-0.15f, 0.15f));
    const float distance = shape.distance * random.uniform(0.85f, 1.1f);
    const Vec centre = direction(turns) * (radius * distance);
    const Vec half = direction(turns + 0.25f + random.uniform(-0.12f, 0.12f)) * (radius * shape.length / 2);
    lobes.push_back({centre - half, centre + half, radius * shape.thickness * random.uniform(0.88f, 1.12f)});
    if (i > 0) lobes.push_back({previous, centre, radius * shape.thread});
    previous = centre;
  }
  return lobes;
}

/// Two to five lobes; pale pink cytoplasm with dust-fine granules.
WhiteCell neutrophil(const Stain& stain, Random& random) {
  WhiteCell cell{.kind = CellClass::neutrophil, .body = make_body(random, 12.5f, 15, 0.10f)};
  const int lobes = random.integer(2, 5);
  const auto spread = static_cast<float>(lobes);
  cell.nucleus = make_lobes(random, cell.body.b,
                            {.count = lobes,
                             .arc = random.uniform(0.14f, 0.17f) * spread,
                             .distance = random.uniform(0.42f, 0.5f),
                             .length = 0.55f - 0.09f * spread,
                             .thickness = 0.36f - 0.03f * spread,
                             .thread = random.uniform(0.04f, 0.1f)});
  cell.cytoplasm = stain.neutrophil_cytoplasm;
  cell.chromatin = stain.nucleus;
  cell.grain_colour = mix(stain.neutrophil_cytoplasm, stain.neutrophil_grain, random.uniform(0.4f, 0.8f));
  cell.grains = {.spacing = 0.42f, .radius = 0.2f, .density = 0.6f};
  cell.clumping = 0.28f;
  return cell;
}

/// Two thick lobes, seldom three; the rest packed with coarse orange-red granules.
WhiteCell eosinophil(const Stain& stain, Random& random) {
  WhiteCell cell{.kind = CellClass::eosinophil, .body = make_body(random, 12.5f, 15.5f, 0.06f)};
  const int lobes = random.chance(0.8f) ? 2 : 3;
  cell.nucleus = make_lobes(random, cell.body.b,
                            {.count = lobes,
                             .arc = random.uniform(0.2f, 0.24f) * static_cast<float>(lobes),
                             .distance = random.uniform(0.45f, 0.52f),
                             .length = random.uniform(0.2f, 0.4f),
                             .thickness = lobes == 2 ? 0.35f : 0.29f,
                             .thread = random.uniform(0.08f, 0.2f)});
  cell.cytoplasm = mix(stain.eosinophil_cytoplasm, stain.eosinophil_grain, random.uniform(0.35f, 0.75f));
  cell.chromatin = stain.nucleus;
  cell.grain_colour = stain.eosinophil_grain;
  cell.grains = {.spacing = 0.6f, .radius = 0.55f, .density = 1};
  cell.grains_over_nucleus = 0.12f;
  cell.clumping = 0.22f;
  return cell;
}

/// A vague nucleus of two or three lobes under large dark granules that reach over it and to the rim.
WhiteCell basophil(const Stain& stain, Random& random) {
  WhiteCell cell{.kind = CellClass::basophil, .body = make_body(random, 11.5f, 14.5f, 0.10f)};
  cell.nucleus = make_lobes(random, cell.body.b,
                            {.count = random.integer(2, 3),
                             .arc = random.uniform(0.4f, 0.7f),
                             .distance = random.uniform(0.25f, 0.35f),
                             .length = 0.4f,
                             .thickness = random.uniform(0.4f, 0.48f),
                             .thread = 0.35f});
  cell.cytoplasm = stain.basophil_cytoplasm;
  cell.chromatin = mix(stain.nucleus, stain.basophil_cytoplasm, 0.2f);
  cell.grain_colour = stain.basophil_grain;
  cell.grains = {.spacing = 0.72f, .radius = 0.5f, .density = random.uniform(0.65f, 0.9f)};
  cell.grains_over_nucleus = 0.75f;
  cell.clumping = 0.1f;
  return cell;
}

/// Small; a dense round nucleus that leaves a thin sky-blue rim.
WhiteCell lymphocyte(const Stain& stain, Random& random) {
  WhiteCell cell{.kind = CellClass::lymphocyte, .body = make_body(random, 8, 10.5f, 0.07f)};
  const float radius = cell.body.b;
  const Vec offset = random.step(0.08f, 0.08f) * radius;
  const Vec half = random.step(0.06f, 0.06f) * radius;
  cell.nucleus = {{offset - half, offset + half, radius * random.uniform(0.78f, 0.88f)}};
  cell.cytoplasm = stain.lymphocyte_cytoplasm;
  cell.chromatin = stain.lymphocyte_nucleus;
  cell.clumping = 0.12f;
  return cell;
}

/// The largest; a folded kidney or horseshoe of looser chromatin in grey-blue cytoplasm with a few vacuoles.
WhiteCell monocyte(const Stain& stain, Random& random) {
  WhiteCell cell{.kind = CellClass::monocyte, .body = make_body(random, 14.5f, 18, 0.18f, 3)};
  const float radius = cell.body.b;
  const float thickness = random.uniform(0.34f, 0.42f);
  cell.nucleus = make_lobes(random, radius,
                            {.count = 4,
                             .arc = random.uniform(0.42f, 0.62f),
                             .distance = random.uniform(0.34f, 0.42f),
                             .length = 0.1f,
                             .thickness = thickness,
                             .thread = thickness * 0.9f});
  const int vacuoles = random.integer(0, 5);
  for (int i = 0; i < vacuoles; ++i) {
    const Vec place = random.step(0.3f, 0.85f) * radius;
    cell.vacuoles.push_back({place, place, random.uniform(0.3f, 0.8f)});
  }
  cell.cytoplasm = stain.monocyte_cytoplasm;
  cell.chromatin = stain.monocyte_nucleus;
  cell.grain_colour = mix(stain.monocyte_cytoplasm, stain.monocyte_nucleus, random.uniform(0.15f, 0.4f));
  cell.grains = {.spacing = 0.4f, .radius = 0.24f, .density = 0.6f};
  cell.clumping = 0.24f;
  return cell;
}

}  // namespace

WhiteCell make_white_cell(CellClass kind, const Stain& stain, Random& random) {
  const auto make = [&] {
    switch (kind) {
      case CellClass::basophil:
        return basophil(stain, random);
      case CellClass::eosinophil:
        return eosinophil(stain, random);
      case CellClass::lymphocyte:
        return lymphocyte(stain, random);
      case CellClass::monocyte:
        return monocyte(stain, random);
      case CellClass::neutrophil:
        break;
    }
    return neutrophil(stain, random);
  };
  WhiteCell cell = make();
  cell.texture = random.seed();
  return cell;
}

}  // namespace giemsa::samples
