// The outline of a labelled cell, as polygons.
#pragma once

#include <vector>

#include "engine/base/box.h"
#include "engine/base/frame.h"

namespace giemsa {

/// A corner between pixels: (0, 0) is the top left corner of the top left pixel.
struct Corner {
  int x, y;
  friend bool operator==(const Corner&, const Corner&) = default;
};

/// A closed ring (the first corner is repeated at the end), corners at turns only, positive by the shoelace formula.
using Ring = std::vector<Corner>;

/// Outer boundaries of the pixels of `label` inside `box`, which lies inside the image; holes are ignored. Pieces that
/// touch only at a corner are rings of their own, so that no ring touches itself (which polygon libraries refuse) where
/// the label has no holes.
std::vector<Ring> trace_contours(const Labels& labels, int label, const Box& box);

}  // namespace giemsa
