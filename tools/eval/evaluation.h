// An evaluation, whatever it is written as.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tools/eval/image_record.h"
#include "tools/eval/scores.h"
#include "tools/eval/worst_cases.h"
#include "tools/run/results.h"

namespace giemsa::eval {

/// What a laboratory's profile changes, on images that it has not seen.
struct AdaptationEffect {
  std::size_t images_left_out = 0;                ///< that the profile was made from
  std::size_t cells = 0;                          ///< found, of known class
  std::size_t right_without = 0, right_with = 0;  ///< named rightly
};

struct Evaluation {
  RunInfo info;  ///< for whole crops its segmenter and options mean nothing
  Task task = Task::fields;
  std::string dataset, selection;    ///< the folder; which part of it, empty: all
  std::vector<std::string> classes;  ///< all_classes(); the classifier's come first
  BootstrapOptions bootstrap;

  std::vector<ImageRecord> images;  ///< those that failed too
  WorstCases worst_masks{12};       ///< fields whose masks overlap least
  WorstCases wrong_names{24};       ///< cells named wrong with the highest probability

  std::optional<AdaptationEffect> adaptation;  ///< where there is a profile
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
