#include "tools/run/gallery.h"

#include <algorithm>

#include "tools/pictures/png_writer.h"
#include "tools/pictures/thumbnail.h"

namespace giemsa {
namespace {

constexpr int longest_side = 112;  // of a picture: some 15 KB as PNG

}  // namespace

std::size_t Gallery::group_of(const Cell& cell) const {
  return cell.finding == Finding::unsure ? cells_.size() - 1 : static_cast<std::size_t>(cell.class_index);
}

bool Gallery::belongs(const Cell& cell) const {
  const auto& cells = cells_.at(group_of(cell));
  return cells.size() < kept_ || (kept_ > 0 && probability_of(cell) < cells.back().probability);
}

void Gallery::insert(const ImageResult& image, const Cell& cell, const Frame* frame) {
  auto& cells = cells_.at(group_of(cell));
  GalleryCell kept{image.name, image.file, cell.id, cell.x, cell.y, cell.w, cell.h, probability_of(cell), {}};
  if (frame && frame->width == image.width && frame->height == image.height)
    kept.png = encode_png(
        shrunk(cut_out(*frame, {cell.x, cell.y, cell.w, cell.h}, std::max(cell.w, cell.h) / 8), longest_side));
  const auto place = std::ranges::upper_bound(cells, kept.probability, {}, &GalleryCell::probability);
  cells.insert(place, std::move(kept));
  if (cells.size() > kept_) cells.pop_back();
}

}  // namespace giemsa
