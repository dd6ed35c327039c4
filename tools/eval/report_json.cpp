#include "tools/eval/report.h"

namespace giemsa::eval {
namespace {

Json counts_json(const ConfusionMatrix& matrix, std::span<const std::string> classes) {
  Json rows = Json::array();
  for (std::size_t truth = 0; truth < matrix.classes(); ++truth) {
    Json row = Json::array();
    for (std::size_t predicted = 0; predicted < matrix.classes(); ++predicted)
      row.push_back(matrix.at(truth, predicted));
    rows.push_back(std::move(row));
  }
  return {{"rows", "truth"}, {"columns", "predicted"}, {"classes", classes}, {"counts", std::move(rows)}};
}

const char* seen_by_classifier(Task task) {
  switch (task) {
    case Task::fields:
      return "cells matched with true ones";
    case Task::whole_crops:
      return "whole images";
    case Task::found_cells:
      return "the found cell nearest the middle of each image";
  }
  return "";
}

Json dataset_json(const Evaluation& evaluation) {
  Json failures = Json::array();
  for (const ImageRecord& image : evaluation.images)
    if (!image.ok()) failures.push_back({{"file", image.file}, {"error", image.error}});
  return {{"folder", evaluation.dataset},
          {"kind", evaluation.task == Task::fields ? "fields" : "class folders"},
          {"classified", seen_by_classifier(evaluation.task)},
          {"selection", evaluation.selection.empty() ? Json("all") : Json(evaluation.selection)},
          {"images", evaluation.images.size()},
          {"failed", failed_images(evaluation)},
          {"failures", std::move(failures)},
          {"cells", evaluation.scores.truth_cells},
          {"cells_of_known_class", evaluation.scores.labelled_cells},
          {"classes_unknown_to_classifier", unknown_classes(evaluation)}};
}

/// Where, how and with what: as `giemsa run` says it, but for whole crops without what only finding cells needs.
Json head_json(const Evaluation& evaluation) {
  RunInfo info = evaluation.info;
  if (!info.options.segment_size) info.options.segment_size = InputSize{};
  Json head = provenance_json(info);
  Json& settings = head["settings"] = finding_json(info.options);
  if (evaluation.task == Task::whole_crops) {
    head["models"].erase("segmenter");
    settings = Json::object();
  }
  settings["threads"] = info.compute.threads;
  return head;
}

}  // namespace

Json evaluation_json(const Evaluation& evaluation) {
  Json document = head_json(evaluation);
  document["dataset"] = dataset_json(evaluation);
  document["bootstrap"] = {{"level", 0.95},
                           {"replicates", evaluation.bootstrap.replicates},
                           {"seed", evaluation.bootstrap.seed},
                           {"resampled", "images"}};
  for (const Figure& figure : evaluation.figures) {
    Json& section = document[figure.section];
    Json& group = figure.group.empty() ? section : section[figure.group];
    group[figure.name] = {{"value", finite_json(figure.value)},
                          {"low", finite_json(figure.interval.low)},
                          {"high", finite_json(figure.interval.high)}};
  }
  const Scores& scores = evaluation.scores;
  document["classification"]["confusion"] = counts_json(scores.cells, evaluation.classes);
  if (evaluation.task == Task::fields) {
    const std::string names[] = {"background", "cell"};
    document["segmentation"]["confusion"] = counts_json(scores.pixels, names);
    for (std::size_t i = 0; i < detection_ious.size(); ++i) {
      const DetectionScores& d = scores.detection[i];
      document["detection"][cat("iou_", detection_ious[i])]["counts"] = {{"true_positives", d.true_positives},
                                                                         {"false_positives", d.false_positives},
                                                                         {"false_negatives", d.false_negatives}};
    }
    const InstanceTally& i = scores.instance_counts;
    document["instances"]["counts"] = {{"true_cells", i.truths},
                                       {"found_cells", i.found},
                                       {"single_cells", i.single_cells},
                                       {"false_splits", i.false_splits},
                                       {"touching_pairs", i.touching_pairs},
                                       {"missed_splits", i.missed_splits}};
  }
  if (const auto& effect = evaluation.adaptation)
    document["adaptation"] = {{"images_left_out", effect->images_left_out},
                              {"cells", effect->cells},
                              {"right_without", effect->right_without},
                              {"right_with", effect->right_with}};
  document["seconds"] = rounded(evaluation.seconds, 3);
  return document;
}

}  // namespace giemsa::eval
