#include "tools/run/results.h"

namespace giemsa {

std::string label_image(const ImageResult& image) {
  return "labels/" + image.name + ".png";
}

std::vector<std::int64_t> count_classes(const std::vector<Cell>& cells, std::size_t classes) {
  std::vector<std::int64_t> counts(classes);
  for (const Cell& cell : cells) ++counts.at(static_cast<std::size_t>(cell.class_index));
  return counts;
}

double probability_of(const Cell& cell) {
  return cell.probabilities.at(static_cast<std::size_t>(cell.class_index));
}

}  // namespace giemsa
