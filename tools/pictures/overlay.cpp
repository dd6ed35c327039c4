#include "tools/pictures/overlay.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "engine/base/box.h"
#include "engine/base/check.h"
#include "tools/pictures/lettering.h"

namespace giemsa {
namespace {

constexpr Color black = {0, 0, 0}, white = {255, 255, 255};

/// Pixels a grid step of the letters, from the image's size: capitals of 10 pixels at 640 x 480.
float unit_for(const Frame& frame) {
  return std::clamp(std::sqrt(static_cast<float>(frame.width) * static_cast<float>(frame.height)) / 320, 1.0f, 8.0f);
}

/// Strokes the border pixels of a cell, over a darker rim that keeps the line visible on any stain.
void draw_outline(Frame& frame, const Labels& labels, const Cell& cell, float unit) {
  const float radius = 0.6f * unit, rim = radius + 0.5f * unit;
  const int reach = static_cast<int>(std::ceil(rim)) + 1;
  const Color color = color_of(cell);
  const auto inside = [&](int x, int y) {
    return x >= 0 && y >= 0 && x < labels.width && y < labels.height && labels.at(x, y) == cell.id;
  };

  constexpr float far = 1e9f;
  Plane<float> distance(cell.w + 2 * reach, cell.h + 2 * reach);  // to the nearest border pixel, where within reach
  std::fill(distance.pixels.begin(), distance.pixels.end(), far);
  for (int y = cell.y; y < cell.y + cell.h; ++y)
    for (int x = cell.x; x < cell.x + cell.w; ++x) {
      if (!inside(x, y) || (inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1))) continue;
      for (int v = -reach; v <= reach; ++v)
        for (int u = -reach; u <= reach; ++u) {
          float& nearest = distance.at(x - cell.x + reach + u, y - cell.y + reach + v);
          nearest = std::min(nearest, std::sqrt(static_cast<float>(u * u + v * v)));
        }
    }

  const int left = cell.x - reach, top = cell.y - reach;
  for (int v = std::max(0, -top); v < std::min(distance.height, frame.height - top); ++v)
    for (int u = std::max(0, -left); u < std::min(distance.width, frame.width - left); ++u) {
      const int x = left + u, y = top + v;
      const float d = distance.at(u, v);
      if (d > rim + 0.5f || (labels.at(x, y) != 0 && labels.at(x, y) != cell.id))
        continue;  // a neighbour keeps its own line
      blend(frame.at(x, y), black, 0.45f * std::clamp(rim - d + 0.5f, 0.0f, 1.0f));
      blend(frame.at(x, y), color, std::clamp(radius - d + 0.5f, 0.0f, 1.0f));
    }
}

/// Where a tag of this size goes: above the cell, below it, or inside, the first that is free; always inside the frame
/// as far as it fits.
Box place_tag(const Frame& frame, const Cell& cell, int w, int h, int gap, std::span<const Box> taken) {
  const int x = std::clamp(cell.x + (cell.w - w) / 2, 0, std::max(0, frame.width - w));
  const std::array rows = {cell.y - gap - h, cell.y + cell.h + gap, cell.y + gap};
  const auto free = [&](int y) {
    const Box tag{x, y, w, h};
    return y >= 0 && y + h <= frame.height &&
           std::none_of(taken.begin(), taken.end(), [&](const Box& other) { return tag.overlaps(other); });
  };
  const auto row = std::find_if(rows.begin(), rows.end(), free);
  return {x, std::clamp(row != rows.end() ? *row : rows[0], 0, std::max(0, frame.height - h)), w, h};
}

void fill_rounded(Frame& frame, const Box& r, float radius, const Color& color) {
  for (int y = std::max(0, r.y); y < std::min(frame.height, r.y + r.h); ++y)
    for (int x = std::max(0, r.x); x < std::min(frame.width, r.x + r.w); ++x) {
      const auto beyond = [&](int at, int start, int size) {  // distance past the straight part of a side
        const float offset = std::abs(static_cast<float>(2 * (at - start) + 1 - size)) / 2;
        return std::max(0.0f, offset - (static_cast<float>(size) / 2 - radius));
      };
      const float dx = beyond(x, r.x, r.w), dy = beyond(y, r.y, r.h), d = std::sqrt(dx * dx + dy * dy);
      blend(frame.at(x, y), color, std::clamp(radius - d + 0.5f, 0.0f, 1.0f));
    }
}

/// Black or white, whichever stands out more (luma of ITU-R BT.601).
Color text_color_on(const Color& color) {
  return 0.299f * color[0] + 0.587f * color[1] + 0.114f * color[2] > 128 ? black : white;
}

}  // namespace

Color color_of(const Cell& cell) {
  return cell.finding == Finding::named ? class_color(cell.class_index) : no_class_color;
}

Frame draw_overlay(const Frame& frame, const Labels& labels, std::span<const Cell> cells,
                   std::span<const std::string> classes) {
  check(labels.width == frame.width && labels.height == frame.height, ErrorKind::internal, "labels of ", labels.width,
        " x ", labels.height, " pixels for a frame of ", frame.width, " x ", frame.height);
  Frame picture = frame;
  const float unit = unit_for(frame);
  for (const Cell& cell : cells) draw_outline(picture, labels, cell, unit);

  std::vector<Box> tags;
  const int pad = static_cast<int>(std::ceil(1.5f * unit)), gap = static_cast<int>(std::ceil(2 * unit));
  for (const Cell& cell : cells) {
    const std::string text = cat(name_of(cell, classes), ' ', std::lround(100 * probability_of(cell)), '%');
    const Color color = color_of(cell);
    const Box tag = place_tag(frame, cell, text_width(text, unit) + 2 * pad, text_height(unit) + pad, gap, tags);
    fill_rounded(picture, tag, 2 * unit, color);
    draw_text(picture, tag.x + pad, tag.y + pad, unit, text, text_color_on(color));
    tags.push_back(tag);
  }
  return picture;
}

}  // namespace giemsa
