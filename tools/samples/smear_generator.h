// Synthetic blood-smear fields with exact ground truth: sample pictures that may ship, and pre-training data without
// end.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/frame.h"

namespace giemsa {

/// The five kinds of white cell, in the alphabetical order that the classifier's outputs have.
enum class CellClass { basophil, eosinophil, lymphocyte, monocyte, neutrophil };

const char* to_string(CellClass kind);

struct SampleOptions {
  int width = 640, height = 480;  ///< pixels, at least 1 each, 100 megapixels together
  std::uint64_t seed = 0;
  int white_cells = -1;  ///< how many, as far as they fit side by side; negative: one to three, drawn from the seed
  /// Above 1: white cells lie in groups of 2 to so many that touch; white_cells < 0 then is one group.
  int group = 1;
  float overlap = 0.15f;  ///< two that touch overlap by up to this fraction of the way between their middles; 0 to 0.5
  /// Drawn from with equal chance; at least one.
  std::vector<CellClass> classes = {CellClass::basophil, CellClass::eosinophil, CellClass::lymphocyte,
                                    CellClass::monocyte, CellClass::neutrophil};
  float pixels_per_micron = 12;  ///< 2 to 200; a red cell is about 7.5 micrometres wide
  float stain_variation = 1;     ///< 0: every picture has the mean stain; 1: the spread between laboratories
};

/// A white cell and the tight box of what is seen of it, in pixels, origin top left.
struct SyntheticCell {
  CellClass kind;
  int x = 0, y = 0, width = 0, height = 0;
  int area = 0;  ///< pixels
};

struct SyntheticSmear {
  Frame frame;
  Mask mask;      ///< 0 background, 128 cytoplasm, 255 nucleus of white cells
  Labels labels;  ///< 0 background, n + 1 where cells[n] is
  std::vector<SyntheticCell> cells;
};

/// Paints a Giemsa-stained field. The same options give the same pixels with every compiler and on every platform.
/// Throws Error(usage) for an option out of its range.
SyntheticSmear generate_smear(const SampleOptions& options);

}  // namespace giemsa
