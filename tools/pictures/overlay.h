// The picture that a person checks: the image with every cell outlined and named.
#pragma once

#include <span>
#include <string>

#include "engine/base/frame.h"
#include "nets/smear.h"
#include "tools/pictures/palette.h"

namespace giemsa {

/// Its class's; grey where the cell is unsure, or no white cell.
Color color_of(const Cell& cell);

/// A copy of `frame` with each cell's outline in its class's color and a tag with class and probability above its box
/// (below it, or moved inwards, where there is no room). Lines and letters grow with the image. `labels` has the
/// frame's size; `classes` names the cells' classes.
Frame draw_overlay(const Frame& frame, const Labels& labels, std::span<const Cell> cells,
                   std::span<const std::string> classes);

}  // namespace giemsa
