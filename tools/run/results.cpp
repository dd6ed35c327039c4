#include "tools/run/results.h"

#include "tools/text/text.h"

namespace giemsa {

std::optional<double> area_um2(const ImageResult& image, const Cell& cell) {
  if (!image.pixel_size) return {};
  return static_cast<double>(cell.area) * image.pixel_size->x * image.pixel_size->y;
}

std::string label_image(const ImageResult& image) {
  return "labels/" + image.name + ".png";
}

void CellCounts::add(const Cell& cell) {
  if (cell.finding == Finding::unsure) {
    ++unsure;
    return;
  }
  ++classes.at(static_cast<std::size_t>(cell.class_index));
  ++(cell.finding == Finding::other ? other : named);
}

void CellCounts::add(std::span<const Cell> cells) {
  for (const Cell& cell : cells) add(cell);
}

std::string CellCounts::uncounted() const {
  std::string text;
  if (unsure > 0) text = counted(static_cast<std::size_t>(unsure), "unsure cell");
  if (unsure > 0 && other > 0) text += " and ";
  if (other > 0) text += counted(static_cast<std::size_t>(other), "other region");
  return text;
}

}  // namespace giemsa
