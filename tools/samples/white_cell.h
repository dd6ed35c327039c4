// A white cell as data: what the kinds differ in, and one painter for them all.
#pragma once

#include <vector>

#include "tools/samples/canvas.h"
#include "tools/samples/outline.h"
#include "tools/samples/smear_generator.h"
#include "tools/samples/stain.h"

namespace giemsa::samples {

/// A rod with round ends, in micrometres from the cell's centre. Lobes that touch flow into each other.
struct Lobe {
  Vec from, to;
  float radius;
};

struct WhiteCell {
  CellClass kind;
  Outline body;
  std::vector<Lobe> nucleus = {}, vacuoles = {};
  Colour cytoplasm = {}, chromatin = {}, grain_colour = {};
  Grains grains = {};
  float grains_over_nucleus = 0;  ///< how strongly grains show above the nucleus, 0 to 1
  float clumping = 0.1f;          ///< contrast of the chromatin's clumps
  std::uint32_t texture = 0;      ///< seed of everything irregular inside
};

/// A cell of that kind at the origin.
WhiteCell make_white_cell(CellClass kind, const Stain& stain, Random& random);

/// Paints the cell, and its truth into the mask and, as `label`, the label image.
void paint_white_cell(Canvas& canvas, const WhiteCell& cell, std::uint16_t label);

}  // namespace giemsa::samples
