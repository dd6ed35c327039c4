// A labelled folder: which images it has, and what is known of each.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tools/eval/scores.h"
#include "tools/image_io/find_images.h"

namespace giemsa::eval {

struct Sample {
  ImageFile image;
  std::filesystem::path mask;        ///< of fields, where there are no labels
  std::vector<std::string> classes;  ///< one per cell; of fields none where they are unknown
  std::optional<int> fold;
  std::filesystem::path labels = {};  ///< of fields: the cells, each with a number of its own; taken before the mask
};

struct Dataset {
  Task task = Task::fields;
  std::string folder;
  std::vector<Sample> samples;
  std::size_t unlisted = 0;  ///< images of fields that labels.csv does not name: they are left out
};

/// A folder that holds images/, masks/ or labels/, and labels.csv is one of fields: an image a row of labels.csv, in
/// its order; an image that is missing, or has neither mask nor labels, is an image with an error. Labels are taken
/// before a mask. Any other folder is one of crops, whole_crops: its folders are the classes, the images below each its
/// cells, in the order of their paths. Throws Error(usage) where it is neither.
Dataset open_dataset(const std::filesystem::path& folder);

/// Keeps the samples of these folds. Throws Error(usage) where none is.
void keep_folds(Dataset& dataset, std::span<const int> folds);

/// Keeps `count` samples, evenly spread, so that of crops every class stays; all where there are no more.
void keep_some(Dataset& dataset, std::size_t count);

/// `known`, the classifier's, and behind them the other classes of the data set in alphabetical order.
std::vector<std::string> all_classes(const Dataset& dataset, std::span<const std::string> known);

}  // namespace giemsa::eval
