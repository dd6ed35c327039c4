// Decides the element type of every value: the first half of engine/plan/layout.h.
#pragma once

#include <vector>

#include "engine/plan/layout.h"

namespace giemsa {

/// How a network tensor is stored: an element q of 8 bits stands for q * scale.
struct Storage {
  DType dtype = DType::f32;
  float scale = 1;
  friend bool operator==(const Storage&, const Storage&) = default;
};

/// The storage of each value, by the rules of the ops (engine/ops/storage_rule.h). A value that is no network tensor
/// counts as fp32. With rules.int8:
///
/// - a convolution whose input is in 8 bits sums integers; its result is in 8 bits where it was calibrated, fp32 where
///   only fp32 readers read it. A convolution that was not calibrated computes in rules.precision, on copies.
/// - values are u8 where nothing can be negative, else i8; both symmetric, so that zero, and with it padding, is exact.
/// - a value inside a concatenation takes its scale; a max-pool or Flatten of 8 bits keeps that of its input.
/// - a fully connected layer whose input is in u8 sums integers too; rows are u8 where only such layers read them, else
///   fp32.
std::vector<Storage> storage_of(const Graph& graph, const LayoutRules& rules);

/// Which values of a graph (after the passes) would be in 8 bits, were they calibrated.
std::vector<bool> wants_calibration(const Graph& graph);

}  // namespace giemsa
