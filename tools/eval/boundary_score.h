// How well the outline of a mask follows the true one: the boundary F1 score (Csurka et al., "What is a good evaluation
// measure for semantic segmentation?", BMVC 2013) as MATLAB's bfscore computes it.
#pragma once

#include "engine/base/frame.h"

namespace giemsa::eval {

/// 1 where `mask` is not 0 but one of the pixels above, below, left and right is: the mask minus its erosion by a plus.
/// The image's edge is no boundary.
Mask boundary(const Mask& mask);

/// The harmonic mean of precision, the share of `predicted`'s boundary that lies less than 0.75 % of the image's
/// diagonal from `truth`'s, and recall, the same the other way round. 0 where only one has a boundary, undefined (NaN)
/// where neither has. Masks of one size.
double boundary_f1(const Mask& truth, const Mask& predicted);

/// The mean of boundary_f1 of the cells and of the background, over those that are defined; NaN where neither is.
double mean_boundary_f1(const Mask& truth, const Mask& predicted);

}  // namespace giemsa::eval
