// The colours of one slide: how the dye took, and how the camera saw it.
#pragma once

#include "tools/samples/geometry.h"
#include "tools/samples/random.h"

namespace giemsa::samples {

/// Fractions of the background's light. A blue above 1 is real: cameras balance white so that azure dye outshines
/// glass.
struct Stain {
  Colour background;  ///< of full scale
  Colour red_cell;
  Colour platelet;
  Colour nucleus;
  Colour lymphocyte_nucleus;
  Colour monocyte_nucleus;
  Colour neutrophil_cytoplasm, neutrophil_grain;
  Colour eosinophil_cytoplasm, eosinophil_grain;
  Colour basophil_cytoplasm, basophil_grain;
  Colour lymphocyte_cytoplasm;
  Colour monocyte_cytoplasm;
};

/// A slide's colours. `variation` 0 gives the mean look of a bluish microscope camera, 1 the spread between
/// laboratories: strength of the dye, its hue, white balance, and a lean towards the cream ground and dark purple of
/// slide scanners.
Stain make_stain(Random& random, float variation);

}  // namespace giemsa::samples
