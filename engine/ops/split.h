// Touching cells, parted along the necks of their component.
//
// A component's squared distance transform rises towards the middle of each cell that it holds. Its basins (all that
// flows up to one summit) are parted where the ridge between two summits, the saddle, lies deep enough below the lower
// of them. All of it is computed in integers, on a grid of every `step`-th pixel: cell (y, x) of the grid stands for
// the pixels from (y step, x step), and carries the label of the one in their middle, its sample.
#pragma once

#include "engine/ops/onnx_form.h"
#include "engine/ops/shape_check.h"
#include "engine/ops/storage_rule.h"
#include "engine/ops/text.h"

namespace giemsa {

/// The grid of a label image: ceil(H / step) x ceil(W / step) cells, of which a row has to fit a block's shared memory.
inline Shape split_grid(const ShapeCheck& check, std::int64_t step) {
  check.require(!check.inputs().empty() && check.inputs()[0].dtype == DType::i32, "takes int32 labels");
  const Shape& in = check.inputs()[0].shape;
  check.require(in.rank() == 4 && in[0] == 1 && in[1] == 1 && in[2] > 0 && in[3] > 0,
                "takes int32 labels {1,1,H,W}, is given ", in);
  check.require(step >= 1 && step <= 64, "step must lie between 1 and 64, is ", step);
  const Shape grid{1, 1, (in[2] + step - 1) / step, (in[3] + step - 1) / step};
  constexpr std::int64_t max_columns = 32766;
  check.require(grid[3] <= max_columns, "a grid of ", grid[3], " columns is wider than ", max_columns);
  return grid;
}

/// Labels i32 {1,1,H,W} -> i32 grid: the exact squared Euclidean distance, in grid cells, to the nearest cell of
/// another label or beyond the edge; 0 where the sample is background.
struct DistanceTransform {
  std::int64_t step = 4;

  static constexpr std::string_view name = "distance_transform";
  std::string text() const { return cat(" 1/", step); }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    check.arity(1);
    return {{DType::i32, split_grid(check, step)}};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const { return {}; }
  void to_onnx(OnnxForm& form) const { form.refuse_outside(name); }
};

/// Labels i32 {1,1,H,W} and their distances, an i32 grid -> i32 grid: 1 + the index of the summit that each cell flows
/// up to, from a cell to the greatest of its 8 neighbours of the same label (of equal distances the smaller index is
/// the greater); 0 in the background.
struct Basins {
  std::int64_t step = 4;

  static constexpr std::string_view name = "basins";
  std::string text() const { return cat(" 1/", step); }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    check.arity(2);
    const TensorType grid{DType::i32, split_grid(check, step)};
    check.require(check.inputs()[1] == grid, "distances must be int32 ", grid.shape);
    return {grid};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const { return {}; }
  void to_onnx(OnnxForm& form) const { form.refuse_outside(name); }
};

/// Labels i32 {1,1,H,W} of components, their region table, distances and basins -> labels i32 {1,1,H,W} of the parts,
/// in raster order of first pixels, and region table i32 {1 + capacity, 10}. In place of distances and basins it takes
/// the peaks of centres and what was assigned to them (engine/ops/centres.h), which no depth merges where `depth` and
/// `least_peak` are 0; a component that is nowhere in a basin stays whole.
///
/// Two basins stay apart where the lower peak exceeds `least_peak` cells and their saddle lies at least `depth` percent
/// of that peak below it; else they are one part, highest saddle first. A part of fewer than `min_area` pixels then
/// joins the neighbour across its highest saddle, all such parts at once, until there is none. A part that has to join
/// another and touches none joins the component's highest, or, for want of pixels, its largest. A pixel belongs to the
/// part of its grid cell, or, where that carries another label, of the nearest of the cells around it that carries its
/// own.
struct MergeBasins {
  std::int64_t step = 4;
  std::int64_t min_area = 200;
  std::int64_t capacity = 0;
  std::int64_t depth = 10;      ///< percent
  std::int64_t least_peak = 3;  ///< grid cells

  static constexpr std::string_view name = "merge_basins";
  std::string text() const { return cat(" 1/", step, " depth ", depth, '%'); }
  std::vector<TensorType> infer(const ShapeCheck& check) const {
    check.arity(4);
    const TensorType grid{DType::i32, split_grid(check, step)}, table{DType::i32, {1 + capacity, 10}};
    check.require(capacity >= 0, "capacity must not be negative");
    check.require(min_area >= 0, "min_area must not be negative, is ", min_area);
    check.require(depth >= 0 && depth <= 100, "depth must lie between 0 and 100 percent, is ", depth);
    check.require(least_peak >= 0 && least_peak <= 16384, "least_peak must lie between 0 and 16384, is ", least_peak);
    check.require(check.inputs()[1] == table, "regions must be int32 ", table.shape);
    check.require(check.inputs()[2] == grid && check.inputs()[3] == grid, "distances and basins must be int32 ",
                  grid.shape);
    return {check.inputs()[0], table};
  }
  double flops(const Signature&) const { return 0; }
  bool non_negative(bool) const { return false; }
  StorageRule storage(const Signature&) const { return {}; }
  void to_onnx(OnnxForm& form) const { form.refuse_outside(name); }
};

}  // namespace giemsa
