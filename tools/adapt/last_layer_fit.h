// A classifier's last layer, fitted to a few labelled cells of one laboratory.
//
// The layer that was shipped is the start, and what changes is held to it: with features f of a cell, scaled so that
// |f|^2 is 1 on average, and a 1 for the bias, the logits are
//
//   z(f) = W f + D f,   and D minimises   sum over cells of -log softmax(z)[truth]  +  penalty / 2 |D|^2
//
// (multinomial logistic regression that is penalised towards the shipped layer instead of towards zero). D is a sum of the
// cells' features, so that it is found among n x classes numbers whatever the number of features: with the Gram matrix
// K = F F', D = A' F. The objective is convex; it is minimised by accelerated steps whose metric K / 2 + penalty bounds its
// curvature (Boehning 1992, Multinomial logistic regression algorithm), so that no step size has to be chosen. The
// penalty is the one under which the probabilities of cells that the fit did not see are nearest the truth, by cross
// validation and Brier's score, in which one cell that is surely wrong does not outweigh all others; no change at all is
// among the choices.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "nets/last_layer.h"

namespace giemsa::adapt {

struct LabelledCell {
  std::vector<float> features;
  int truth = 0;          ///< index of the class
  std::size_t group = 0;  ///< cells of one image share it: they are never on both sides of a validation
};

/// How cells are named: how many rightly, and Brier's score, the mean of |probabilities - truth|^2.
struct Naming {
  std::size_t right = 0;
  double loss = 0;
};

struct LastLayerFit {
  LastLayer layer;
  Naming before;                  ///< by the layer that was shipped
  Naming after;                   ///< by layers that did not see the cell (cross validation)
  std::optional<double> penalty;  ///< none where the layer that was shipped is best: then `layer` is that one
};

/// At least two cells from two groups. The same cells in the same order give the same bits.
LastLayerFit fit_last_layer(const LastLayer& shipped, std::span<const LabelledCell> cells);

}  // namespace giemsa::adapt
