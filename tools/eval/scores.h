// From what each image counts to the figures of a data set.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tools/eval/bootstrap.h"
#include "tools/eval/classification_metrics.h"
#include "tools/eval/confusion_matrix.h"
#include "tools/eval/detection_metrics.h"
#include "tools/eval/instance_metrics.h"
#include "tools/eval/segmentation_metrics.h"

namespace giemsa::eval {

/// Least IoU of two boxes at which a cell counts as found. Classes are compared for cells found at the first.
inline constexpr std::array<double, 2> detection_ious = {0.5, 0.7};

/// What one image adds to every figure.
struct ImageTally {
  ConfusionMatrix pixels{2};       ///< background and cell
  double boundary_f1 = undefined;  ///< mean over background and cell
  std::array<std::vector<ScoredHit>, detection_ious.size()> detections;
  InstanceTally instances;
  std::int64_t truth_cells = 0;
  std::int64_t labelled_cells = 0;  ///< those of known class, found or not
  ConfusionMatrix classes;          ///< of cells that were found and whose class is known
};

/// What is measured of each image.
enum class Task {
  fields,       ///< whole fields: where the cells are, and what they are
  whole_crops,  ///< images of one cell: what it is, seeing all of the image
  found_cells,  ///< images of one cell: what it is, seeing the cell that was found nearest the middle
};

/// Everything that is known of a set of images.
struct Scores {
  ConfusionMatrix pixels{2};
  SegmentationScores segmentation;
  double mean_boundary_f1 = undefined;  ///< mean over the images where it is defined
  std::array<DetectionScores, detection_ious.size()> detection;
  InstanceTally instance_counts;
  InstanceScores instances;
  std::int64_t truth_cells = 0, labelled_cells = 0;
  ConfusionMatrix cells;
  ClassificationScores classification;
  double identified = undefined;  ///< found and named right / cells of known class
};

/// The scores of the images of these indices; `classes` is their number. An index may occur more than once.
Scores score(std::span<const ImageTally> images, std::span<const std::size_t> which, std::size_t classes);

/// A figure by the name it has everywhere: eval.json's key is section / group / name, or section / name without group.
struct Figure {
  std::string section, group, name;
  double value = undefined;
  Interval interval = {};
};

/// All figures of `task`, in the order in which they are printed. `classes` names the classes.
std::vector<Figure> figures(const Scores& scores, Task task, std::span<const std::string> classes);

/// The figures of all images, each with its bootstrap interval.
std::vector<Figure> figures_with_intervals(std::span<const ImageTally> images, Task task,
                                           std::span<const std::string> classes, const BootstrapOptions& options);

/// Throws Error(internal) where there is none.
const Figure& find(std::span<const Figure> figures, std::string_view section, std::string_view group,
                   std::string_view name);

}  // namespace giemsa::eval
