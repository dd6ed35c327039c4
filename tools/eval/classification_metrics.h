// How often cells are given their right class: figures of each class, one class against all others, and their averages.
#pragma once

#include <vector>

#include "tools/eval/confusion_matrix.h"

namespace giemsa::eval {

/// Of one class, or averaged over classes.
struct ClassScores {
  double precision = undefined;    ///< right / all that were called so; undefined where none was
  double recall = undefined;       ///< right / all that are so; undefined where none is
  double f1 = undefined;           ///< their harmonic mean; undefined where none is so nor was called so
  double specificity = undefined;  ///< not called so / all that are not so
};

struct ClassificationScores {
  double accuracy = undefined;
  double kappa = undefined;  ///< Cohen's: what is right beyond chance; undefined where chance alone makes all right
  std::vector<ClassScores> classes;
  ClassScores macro;  ///< mean over the classes that cells have in truth; a precision that is undefined counts as 0
  ClassScores micro;  ///< of the counts of all classes added up
};

ClassificationScores classification_scores(const ConfusionMatrix& cells);

}  // namespace giemsa::eval
