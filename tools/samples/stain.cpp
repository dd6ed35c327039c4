#include "tools/samples/stain.h"

namespace giemsa::samples {
namespace {

// Measured on real fields, each material's mean over that of clear glass.
constexpr Stain kMicroscope{
    .background = {0.781f, 0.782f, 0.765f},
    .red_cell = {0.88f, 0.73f, 0.77f},
    .platelet = {0.78f, 0.74f, 0.99f},
    .nucleus = {0.69f, 0.52f, 1.05f},
    .lymphocyte_nucleus = {0.60f, 0.47f, 1.02f},
    .monocyte_nucleus = {0.74f, 0.59f, 1.08f},
    .neutrophil_cytoplasm = {0.93f, 0.83f, 0.99f},
    .neutrophil_grain = {0.84f, 0.68f, 0.97f},
    .eosinophil_cytoplasm = {0.93f, 0.81f, 0.96f},
    .eosinophil_grain = {0.88f, 0.62f, 0.83f},
    .basophil_cytoplasm = {0.86f, 0.72f, 1.02f},
    .basophil_grain = {0.60f, 0.42f, 1.02f},
    .lymphocyte_cytoplasm = {0.76f, 0.78f, 1.00f},
    .monocyte_cytoplasm = {0.85f, 0.84f, 1.00f},
};

constexpr Stain kScanner{
    .background = {0.988f, 0.902f, 0.812f},
    .red_cell = {0.81f, 0.74f, 0.76f},
    .platelet = {0.55f, 0.40f, 0.74f},
    .nucleus = {0.36f, 0.19f, 0.68f},
    .lymphocyte_nucleus = {0.32f, 0.16f, 0.66f},
    .monocyte_nucleus = {0.58f, 0.42f, 0.74f},
    .neutrophil_cytoplasm = {0.90f, 0.86f, 0.93f},
    .neutrophil_grain = {0.78f, 0.68f, 0.84f},
    .eosinophil_cytoplasm = {0.84f, 0.68f, 0.76f},
    .eosinophil_grain = {0.73f, 0.44f, 0.47f},
    .basophil_cytoplasm = {0.76f, 0.60f, 0.84f},
    .basophil_grain = {0.28f, 0.13f, 0.62f},
    .lymphocyte_cytoplasm = {0.56f, 0.60f, 0.88f},
    .monocyte_cytoplasm = {0.68f, 0.65f, 0.80f},
};

}  // namespace

Stain make_stain(Random& random, float variation) {
  // Squared twice: most slides stay near the microscope's look, a few go most of the way.
  const float lean = random.uniform(0, 1);
  const float toward_scanner = variation * lean * lean * lean * lean;
  const float strength = 1 + variation * random.uniform(-0.18f, 0.18f);
  const Colour hue{1 + variation * random.uniform(-0.04f, 0.04f), 1 + variation * random.uniform(-0.04f, 0.04f),
                   1 + variation * random.uniform(-0.03f, 0.03f)};
  const Colour balance{1 + variation * random.uniform(-0.02f, 0.02f), 1 + variation * random.uniform(-0.015f, 0.015f),
                       1 + variation * random.uniform(-0.03f, 0.03f)};

  const auto dyed = [&](Colour Stain::*material) {
    const Colour full = mix(kMicroscope.*material, kScanner.*material, toward_scanner) * hue;
    return mix(Colour{}, full, strength);
  };
  return {
      .background = mix(kMicroscope.background, kScanner.background, toward_scanner) * balance,
      .red_cell = dyed(&Stain::red_cell),
      .platelet = dyed(&Stain::platelet),
      .nucleus = dyed(&Stain::nucleus),
      .lymphocyte_nucleus = dyed(&Stain::lymphocyte_nucleus),
      .monocyte_nucleus = dyed(&Stain::monocyte_nucleus),
      .neutrophil_cytoplasm = dyed(&Stain::neutrophil_cytoplasm),
      .neutrophil_grain = dyed(&Stain::neutrophil_grain),
      .eosinophil_cytoplasm = dyed(&Stain::eosinophil_cytoplasm),
      .eosinophil_grain = dyed(&Stain::eosinophil_grain),
      .basophil_cytoplasm = dyed(&Stain::basophil_cytoplasm),
      .basophil_grain = dyed(&Stain::basophil_grain),
      .lymphocyte_cytoplasm = dyed(&Stain::lymphocyte_cytoplasm),
      .monocyte_cytoplasm = dyed(&Stain::monocyte_cytoplasm),
  };
}

}  // namespace giemsa::samples
