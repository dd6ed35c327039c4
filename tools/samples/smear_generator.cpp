#include "tools/samples/smear_generator.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/check.h"
#include "tools/samples/camera.h"
#include "tools/samples/red_cells.h"
#include "tools/samples/white_cell.h"

namespace giemsa {
namespace {

using namespace samples;

constexpr std::int64_t kMaxPixels = 100'000'000;
constexpr int kMaxLabel = std::numeric_limits<std::uint16_t>::max();

/// Finds room for the cell: most lie wholly inside the field, some are cut by its edge. False where there is none.
bool place(Outline& body, Vec field, const std::vector<Outline>& others, Random& random) {
  const float inside = random.chance(0.85f) ? 1.05f : 0.2f;
  const auto within = [&](float length) {
    const float margin = std::min(body.reach() * inside, length / 2);
    return random.uniform(margin, length - margin);
  };
  for (int attempt = 0; attempt < 50; ++attempt) {
    body.centre.x = within(field.x);
    body.centre.y = within(field.y);
    const bool apart = std::none_of(others.begin(), others.end(), [&](const Outline& other) {
      return length(body.centre - other.centre) < body.reach() + other.reach() + 0.5f;
    });
    if (apart) return true;
  }
  return false;
}

/// Lays the cell against one of the last `group` cells. The rims of the two meet, or overlap by up to `overlap` of the way
/// between the middles; with all others of the group they overlap no more than that, with the rest not at all. False
/// where there is no room.
bool place_beside(Outline& body, Vec field, const std::vector<Outline>& others, std::size_t group, float overlap,
                  Random& random) {
  const std::size_t first = others.size() - group;
  for (int attempt = 0; attempt < 50; ++attempt) {
    const auto chosen = first + static_cast<std::size_t>(random.integer(0, static_cast<int>(group) - 1));
    const Outline& beside = others[chosen];
    const Vec towards = direction(random.uniform(0, 1));
    const float apart = beside.rim(towards) + body.rim(towards * -1.0f);
    body.centre = beside.centre + towards * (apart * (1 - random.uniform(0, overlap)));
    const float margin = body.reach();
    const bool inside = body.centre.x >= margin && body.centre.x <= field.x - margin && body.centre.y >= margin &&
                        body.centre.y <= field.y - margin;
    const auto clear = [&](std::size_t i) {
      const Vec between = body.centre - others[i].centre;
      const float distance = length(between);
      if (i < first) return distance >= body.reach() + others[i].reach() + 0.5f;
      if (i == chosen || distance <= 0) return i == chosen;
      const Vec unit = between * (1 / distance);
      return distance >= (others[i].rim(unit) + body.rim(unit * -1.0f)) * (1 - overlap);
    };
    bool free = inside;
    for (std::size_t i = 0; i < others.size() && free; ++i) free = clear(i);
    if (free) return true;
    body.centre = {};
  }
  return false;
}

/// The visible cells' boxes, read off the label image.
std::vector<SyntheticCell> measure(const Labels& labels, const std::vector<WhiteCell>& painted) {
  std::vector<SyntheticCell> cells;
  for (const WhiteCell& cell : painted) cells.push_back({.kind = cell.kind});
  for (int y = 0; y < labels.height; ++y) {
    for (int x = 0; x < labels.width; ++x) {
      if (labels.at(x, y) == 0) continue;
      SyntheticCell& cell = cells[labels.at(x, y) - 1u];
      if (cell.area++ == 0) {
        cell.x = x;
        cell.y = y;
      }
      const int right = std::max(cell.x + cell.width, x + 1);
      cell.x = std::min(cell.x, x);
      cell.width = right - cell.x;
      cell.height = y + 1 - cell.y;
    }
  }
  return cells;
}

}  // namespace

const char* to_string(CellClass kind) {
  switch (kind) {
    case CellClass::basophil:
      return "basophil";
    case CellClass::eosinophil:
      return "eosinophil";
    case CellClass::lymphocyte:
      return "lymphocyte";
    case CellClass::monocyte:
      return "monocyte";
    case CellClass::neutrophil:
      break;
  }
  return "neutrophil";
}

SyntheticSmear generate_smear(const SampleOptions& options) {
  const std::int64_t pixels = std::int64_t{options.width} * options.height;
  check(options.width > 0 && options.height > 0 && pixels <= kMaxPixels, ErrorKind::usage,
        "smear size: expected 1x1 to 100 megapixels, got ", options.width, "x", options.height);
  check(options.pixels_per_micron >= 2 && options.pixels_per_micron <= 200, ErrorKind::usage,
        "pixels per micron: expected 2 to 200, got ", options.pixels_per_micron);
  check(options.stain_variation >= 0 && options.stain_variation <= 1, ErrorKind::usage,
        "stain variation: expected 0 to 1, got ", options.stain_variation);
  check(!options.classes.empty(), ErrorKind::usage, "smear classes: expected at least one, got none");

  Random random(options.seed);
  const Stain stain = make_stain(random, options.stain_variation);
  Canvas canvas(options.width, options.height, options.pixels_per_micron);

  check(options.group >= 1 && options.group <= 5, ErrorKind::usage, "cells that touch: expected 1 to 5, got ",
        options.group);
  check(options.overlap >= 0 && options.overlap <= 0.5f, ErrorKind::usage, "overlap: expected 0 to 0.5, got ",
        options.overlap);

  const int drawn = random.integer(1, 3);
  const bool grouped = options.group > 1;
  int in_group = grouped ? random.integer(2, options.group) : 1;
  const int wanted =
      std::min<int>(options.white_cells >= 0 ? options.white_cells : grouped ? in_group : drawn, kMaxLabel);
  int placed = 0;  // of the group
  std::vector<WhiteCell> white_cells;
  std::vector<Outline> bodies;
  for (int i = 0; i < wanted; ++i) {
    const int choice = random.integer(0, static_cast<int>(options.classes.size()) - 1);
    WhiteCell cell = make_white_cell(options.classes[static_cast<std::size_t>(choice)], stain, random);
    const bool found = placed == 0 ? place(cell.body, canvas.size(), bodies, random)
                                   : place_beside(cell.body, canvas.size(), bodies, static_cast<std::size_t>(placed),
                                                  options.overlap, random);
    if (!found) continue;
    if (grouped && ++placed == in_group) {
      placed = 0;
      in_group = random.integer(2, options.group);
    }
    bodies.push_back(cell.body);
    white_cells.push_back(std::move(cell));
  }

  paint_red_cells(canvas, stain, bodies, random);
  paint_platelets(canvas, stain, bodies, random);
  for (std::size_t i = 0; i < white_cells.size(); ++i)
    paint_white_cell(canvas, white_cells[i], static_cast<std::uint16_t>(i + 1));

  SyntheticSmear smear;
  smear.cells = measure(canvas.labels, white_cells);
  smear.frame = photograph(canvas, stain.background, random);
  smear.mask = std::move(canvas.mask);
  smear.labels = std::move(canvas.labels);
  return smear;
}

}  // namespace giemsa
