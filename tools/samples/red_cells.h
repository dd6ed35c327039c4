// The ground that white cells lie on: red cells and platelets.
#pragma once

#include <vector>

#include "tools/samples/canvas.h"
#include "tools/samples/outline.h"
#include "tools/samples/stain.h"

namespace giemsa::samples {

/// Scatters red cells, single, overlapping and in rows; those under `white_cells` are pushed aside.
void paint_red_cells(Canvas& canvas, const Stain& stain, const std::vector<Outline>& white_cells, Random& random);

/// Scatters platelets between the cells.
void paint_platelets(Canvas& canvas, const Stain& stain, const std::vector<Outline>& white_cells, Random& random);

}  // namespace giemsa::samples
