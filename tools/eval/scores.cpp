#include "tools/eval/scores.h"

#include <algorithm>
#include <numeric>

#include "engine/base/check.h"

namespace giemsa::eval {
namespace {

void add_finding(std::vector<Figure>& all, const Scores& scores) {
  const SegmentationScores& s = scores.segmentation;
  all.insert(all.end(), {{"segmentation", "", "global_accuracy", s.global_accuracy},
                         {"segmentation", "", "mean_accuracy", s.mean_accuracy},
                         {"segmentation", "", "mean_iou", s.mean_iou},
                         {"segmentation", "", "weighted_iou", s.weighted_iou},
                         {"segmentation", "", "mean_bf_score", scores.mean_boundary_f1},
                         {"segmentation", "iou", "background", s.iou[0]},
                         {"segmentation", "iou", "cell", s.iou[1]}});
  for (std::size_t i = 0; i < detection_ious.size(); ++i) {
    const DetectionScores& d = scores.detection[i];
    const std::string group = cat("iou_", detection_ious[i]);
    all.insert(all.end(), {{"detection", group, "average_precision", d.average_precision},
                           {"detection", group, "precision", d.precision},
                           {"detection", group, "recall", d.recall},
                           {"detection", group, "f1", d.f1}});
  }
  const InstanceScores& i = scores.instances;
  for (std::size_t k = 0; k < instance_ious.size(); ++k)
    all.push_back({"instances", "", cat("ap_", instance_ious[k]), i.ap[k]});
  all.insert(all.end(), {{"instances", "", "panoptic_quality", i.panoptic_quality},
                         {"instances", "", "segmentation_quality", i.segmentation_quality},
                         {"instances", "", "recognition_quality", i.recognition_quality},
                         {"instances", "", "aji_plus", i.aji_plus},
                         {"instances", "", "false_splits_per_100", i.false_splits_per_100},
                         {"instances", "", "missed_splits_per_100", i.missed_splits_per_100},
                         {"instances", "", "count_error", i.count_error}});
}

void add_class(std::vector<Figure>& all, const char* section, const std::string& group, const ClassScores& scores) {
  all.insert(all.end(), {{section, group, "precision", scores.precision},
                         {section, group, "recall", scores.recall},
                         {section, group, "f1", scores.f1},
                         {section, group, "specificity", scores.specificity}});
}

}  // namespace

Scores score(std::span<const ImageTally> images, std::span<const std::size_t> which, std::size_t classes) {
  Scores scores;
  scores.cells = ConfusionMatrix(classes);
  std::vector<double> boundary;
  std::array<std::vector<ScoredHit>, detection_ious.size()> detections;
  for (const std::size_t index : which) {
    const ImageTally& image = images[index];
    scores.pixels += image.pixels;
    scores.cells += image.classes;
    scores.instance_counts += image.instances;
    scores.truth_cells += image.truth_cells;
    scores.labelled_cells += image.labelled_cells;
    boundary.push_back(image.boundary_f1);
    for (std::size_t i = 0; i < detections.size(); ++i)
      detections[i].insert(detections[i].end(), image.detections[i].begin(), image.detections[i].end());
  }
  scores.segmentation = segmentation_scores(scores.pixels);
  scores.instances = instance_scores(scores.instance_counts);
  scores.mean_boundary_f1 = mean_of_defined(boundary);
  for (std::size_t i = 0; i < detections.size(); ++i)
    scores.detection[i] = detection_scores(std::move(detections[i]), scores.truth_cells);
  scores.classification = classification_scores(scores.cells);
  scores.identified = ratio(static_cast<double>(scores.cells.correct()), static_cast<double>(scores.labelled_cells));
  return scores;
}

std::vector<Figure> figures(const Scores& scores, Task task, std::span<const std::string> classes) {
  std::vector<Figure> all;
  if (task == Task::fields) add_finding(all, scores);
  const ClassificationScores& c = scores.classification;
  all.push_back({"classification", "", "accuracy", c.accuracy});
  all.push_back({"classification", "", "kappa", c.kappa});
  if (task != Task::whole_crops) all.push_back({"classification", "", "identified", scores.identified});
  add_class(all, "classification", "macro", c.macro);
  add_class(all, "classification", "micro", c.micro);
  for (std::size_t k = 0; k < classes.size(); ++k) add_class(all, "classes", classes[k], c.classes[k]);
  return all;
}

std::vector<Figure> figures_with_intervals(std::span<const ImageTally> images, Task task,
                                           std::span<const std::string> classes, const BootstrapOptions& options) {
  const auto figures_of = [&](std::span<const std::size_t> which) {
    return figures(score(images, which, classes.size()), task, classes);
  };
  std::vector<std::size_t> every(images.size());
  std::iota(every.begin(), every.end(), std::size_t{0});
  std::vector<Figure> all = figures_of(every);
  const auto intervals = bootstrap_intervals(images.size(), options, [&](std::span<const std::size_t> which) {
    std::vector<double> values;
    for (const Figure& figure : figures_of(which)) values.push_back(figure.value);
    return values;
  });
  for (std::size_t i = 0; i < all.size(); ++i) all[i].interval = intervals[i];
  return all;
}

const Figure& find(std::span<const Figure> figures, std::string_view section, std::string_view group,
                   std::string_view name) {
  const auto found = std::ranges::find_if(
      figures, [&](const Figure& f) { return f.section == section && f.group == group && f.name == name; });
  check(found != figures.end(), ErrorKind::internal, "no figure ", section, '/', group, '/', name);
  return *found;
}

}  // namespace giemsa::eval
