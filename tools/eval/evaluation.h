// An evaluation, whatever it is written as.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/eval/image_record.h"
#include "tools/eval/scores.h"
#include "tools/eval/worst_cases.h"
#include "tools/run/results.h"

namespace giemsa::eval {

struct Evaluation {
  RunInfo info;  ///< for whole crops its segmenter and options mean nothing
  Task task = Task::fields;
  std::string dataset, selection;    ///< the folder; which part of it, empty: all
  std::vector<std::string> classes;  ///< all_classes(); the classifier's come first
  BootstrapOptions bootstrap;

  std::vector<ImageRecord> images;  ///< those that failed too
  WorstCases worst_masks{12};       ///< fields whose masks overlap least
  WorstCases wrong_names{24};       ///< cells named wrong with the highest probability

  Scores scores;
  std::vector<Figure> figures;
  double seconds = 0;  ///< for everything, from the first image on
};

/// Fills `scores` and `figures` from the images that did not fail.
void compute_figures(Evaluation& evaluation);

/// Offers what is wrong with an image to the worst cases.
void show_worst(Evaluation& evaluation, const ImageRecord& record, const Frame& frame, const Labels& labels,
                const Truth& truth);
void show_worst(Evaluation& evaluation, const ImageRecord& record, const Frame& frame);

std::size_t failed_images(const Evaluation& evaluation);

/// Classes of the data set that the classifier does not know.
std::span<const std::string> unknown_classes(const Evaluation& evaluation);

}  // namespace giemsa::eval
