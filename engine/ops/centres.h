// Touching cells, told apart by a network's centre head (nets/deeplab/deeplab.h).
//
// The head gives, on its own grid, a heatmap that peaks at the middle of each cell, and the offset (y, x) from every
// place to the middle of its cell, in places. CentrePeaks finds the middles, AssignCentres gives each cell of the label
// grid (engine/ops/split.h) to one, as if the middles were summits and what is theirs their basins; MergeBasins makes
// parts of these. Heatmap and offsets are rounded once, towards 0; all else is computed in integers.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/split.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// The centre head's result {1,3,h,w}: heatmap, y offset, x offset.
inline void check_centre_head(const ShapeCheck& check, std::size_t i) {
  const Shape& head = check.network_tensor(i, 4);
  check.require(head[0] == 1 && head[1] == 3, "a centre head gives {1,3,h,w}, not ", head);
  constexpr std::int64_t longest = 1 << 15;
  check.require(head[2] >= 1 && head[2] <= longest && head[3] >= 1 && head[3] <= longest,
                "a centre head's sides lie between 1 and ", longest, ", not ", head);
}

/// Labels i32 {1,1,H,W} and the centre head's result -> i32 grid: the heatmap's value, in 65536ths, in each cell in
/// which a peak lies whose sample has a label, else 0.
///
/// A peak is a place whose value is at least `least` and the greatest of the places at most `reach` from it in y and x;
/// of equal ones the first is the greatest. Its middle, ((2 i + 1) H / 2 h, (2 j + 1) W / 2 w), says in which cell it
/// lies; of several peaks in a cell the greatest counts.
struct CentrePeaks {
  std::int64_t step = 4;
  std::int64_t reach = 3;
  float least = 0.1f;

  static constexpr std::string_view name = "centre_peaks";
  std::string text() const { return cat(" 1/", step, " reach ", reach); }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    check.arity(2);
    check_centre_head(check, 1);
    check.require(reach >= 1 && reach <= 64, "reach must lie between 1 and 64, is ", reach);
    check.require(least > 0 && least <= 1, "least must lie between 0 and 1, is ", least);
    return {{DType::i32, split_grid(check, step)}};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const { return {.reads = StorageRule::Reads::fp32}; }
  void to_onnx(OnnxForm& form) const { form.refuse_outside(name); }
};

/// Labels i32 {1,1,H,W} of components, their region table, peaks, an i32 grid, and the centre head's result -> i32
/// grid: 1 + the index of the cell whose peak each cell belongs to; 0 in the background and in components that have
/// less than two peaks or more than `most`.
///
/// A cell's sample (y, x) lies in place ((2 y + 1) h / 2 H - 1/2, (2 x + 1) w / 2 W - 1/2), rounded down to 256ths of a
/// place. To that are added the offsets there, interpolated bilinearly between places, the grid's edge continued; the
/// cell belongs to the peak of its component that is nearest to the sum, of equally near ones to the first. A cell with
/// a peak is its own.
struct AssignCentres {
  std::int64_t step = 4;
  std::int64_t capacity = 0;

  static constexpr std::int64_t most = 1024;  ///< peaks of a component

  static constexpr std::string_view name = "assign_centres";
  std::string text() const { return cat(" 1/", step); }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    check.arity(4);
    check_centre_head(check, 3);
    const TensorType grid{DType::i32, split_grid(check, step)}, table{DType::i32, {1 + capacity, 10}};
    check.require(capacity >= 0, "capacity must not be negative");
    check.require(check.inputs()[1] == table, "regions must be int32 ", table.shape);
    check.require(check.inputs()[2] == grid, "peaks must be int32 ", grid.shape);
    return {grid};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const { return {.reads = StorageRule::Reads::fp32}; }
  void to_onnx(OnnxForm& form) const { form.refuse_outside(name); }
};

}  // namespace giemsa
