// One image held against its truth.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/frame.h"
#include "nets/smear.h"
#include "tools/eval/dataset.h"
#include "tools/eval/scores.h"

namespace giemsa::eval {

/// Where the cells of a field are.
struct Truth {
  Mask mask;
  std::vector<Box> cells;  ///< in the order of their numbers in `labels`
  Labels labels;           ///< 0 background, 1..N the cells
};

/// `mask`, its 8-connected components as cells, in raster order of their first pixels. Throws Error(image) where they are
/// more than 16 bits can number.
Truth truth_of(Mask mask);

/// The cells of a label image, whose numbers may leave gaps.
Truth truth_of(Labels labels);

/// Reads a label image: a PNG, grey of 8 or 16 bits or with a palette, whose values number the cells. Throws Error(image),
/// naming the file, for what is none, or not of that size.
Truth read_true_labels(const std::filesystem::path& file, Size2 size);

/// Reads a mask: a cell is wherever any channel is not 0. Throws Error(image), naming the file, for what is no image,
/// not of that size, or has 16 bits a sample, which reading rounds to 8 and small labels thereby to 0.
Truth read_truth(const std::filesystem::path& file, Size2 size);

/// The class of every cell of a field, as far as labels.csv tells: it lists classes without places, so it tells only
/// where it lists one class alone, at least as often as there are cells.
std::optional<std::string> class_of_cells(std::span<const std::string> listed, std::size_t cells);

/// A cell that the engine found.
struct CellRecord {
  Cell cell;
  std::optional<std::size_t> truth;        ///< the true cell it is matched with at the first of detection_ious
  double iou = 0;                          ///< with that cell
  std::optional<std::size_t> truth_class;  ///< where it is known
  bool misnamed() const { return truth_class && *truth_class != static_cast<std::size_t>(cell.class_index); }
};

struct ImageRecord {
  std::string file, name, error;  ///< where `error` is set the rest means nothing
  int width = 0, height = 0;
  std::optional<int> fold;
  std::vector<CellRecord> cells;
  ImageTally tally;
  bool ok() const { return error.empty(); }
};

/// A field. `classes` are all_classes(). Detections are the regions that are reported as white cells; the score of one
/// is the probability of its class.
ImageRecord compare_field(const Sample& sample, const Truth& truth, const Labels& labels, std::span<const Cell> cells,
                          std::span<const std::string> classes);

/// An image of one cell, which is `cell`; null: none was found. `size` is the image's.
ImageRecord compare_crop(const Sample& sample, Size2 size, const Cell* cell, std::span<const std::string> classes);

/// The cell whose centroid is nearest the middle of an image of that size; null where there is none.
const Cell* middle_cell(std::span<const Cell> cells, Size2 size);

}  // namespace giemsa::eval
