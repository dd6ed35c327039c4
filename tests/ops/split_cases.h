// Masks that try the parting of touching cells: the components' own, and what cells look like that touch.
#pragma once

#include <string>
#include <vector>

#include "engine/ops/split.h"
#include "tests/ops/components_cases.h"

namespace giemsa::test {

struct SplitCase {
  std::string name;
  Size2 size;
  std::vector<std::uint8_t> mask;
  MergeBasins op;  ///< but for its capacity
};

struct Disc {
  std::int64_t y, x, radius;
};

inline std::vector<std::uint8_t> discs(Size2 size, const std::vector<Disc>& all) {
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(size.h * size.w));
  for (std::int64_t y = 0; y < size.h; ++y)
    for (std::int64_t x = 0; x < size.w; ++x)
      for (const Disc& d : all)
        if ((y - d.y) * (y - d.y) + (x - d.x) * (x - d.x) <= d.radius * d.radius)
          mask[static_cast<std::size_t>(y * size.w + x)] = 1;
  return mask;
}

/// Two squares of side 24, joined by a bridge of `neck` pixels.
inline std::vector<std::uint8_t> dumbbell(Size2 size, std::int64_t neck) {
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(size.h * size.w));
  for (std::int64_t y = 0; y < size.h; ++y)
    for (std::int64_t x = 0; x < size.w; ++x) {
      const bool tall = y >= 4 && y < 28;
      const bool squares = tall && ((x >= 3 && x < 27) || (x >= 37 && x < 61));
      const bool bridge = y >= 16 - neck / 2 && y < 16 - neck / 2 + neck && x >= 3 && x < 61;
      mask[static_cast<std::size_t>(y * size.w + x)] = squares || bridge ? 1 : 0;
    }
  return mask;
}

/// As many single pixels as components can be.
inline std::vector<std::uint8_t> lattice(Size2 size) {
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(size.h * size.w));
  for (std::int64_t y = 0; y < size.h; y += 2)
    for (std::int64_t x = 0; x < size.w; x += 2) mask[static_cast<std::size_t>(y * size.w + x)] = 1;
  return mask;
}

inline std::vector<SplitCase> split_cases() {
  std::vector<SplitCase> all;
  for (const ComponentsCase& c : components_cases)
    for (const std::int64_t step : {1, 4})
      all.push_back({std::string(c.name) + ", every " + (step == 1 ? "pixel" : "fourth"), c.size,
                     make_mask(c.pattern, c.size), {.step = step, .min_area = c.min_area}});
  const Size2 frame{72, 101};
  const auto add = [&](const char* name, std::vector<std::uint8_t> mask, MergeBasins op = {}, Size2 size = {72, 101}) {
    all.push_back({name, size, std::move(mask), op});
  };
  add("one disc", discs(frame, {{36, 40, 30}}));
  add("two discs that touch", discs(frame, {{36, 27, 24}, {36, 74, 24}}));
  add("two discs that overlap by a tenth", discs(frame, {{36, 30, 24}, {33, 70, 24}}));
  add("two discs of one shape", discs(frame, {{36, 40, 30}, {36, 52, 30}}));
  add("five discs", discs(frame, {{18, 20, 16}, {20, 50, 16}, {17, 80, 16}, {47, 37, 16}, {48, 66, 16}}), {.step = 2});
  add("a part below the least area", discs(frame, {{36, 27, 24}, {36, 66, 16}}), {.min_area = 1000});
  add("every part below the least area", discs(frame, {{36, 27, 24}, {36, 74, 24}}), {.min_area = 2500});
  add("parts at the edge", discs(frame, {{0, 20, 30}, {71, 30, 40}, {36, 100, 40}}));
  add("no depth", discs(frame, {{36, 27, 24}, {36, 70, 24}}), {.depth = 0, .least_peak = 0});
  add("all depth", discs(frame, {{36, 27, 24}, {36, 74, 24}}), {.depth = 100});
  for (const std::int64_t neck : {0, 1, 2, 5, 20, 24})
    add(("neck of " + std::to_string(neck)).c_str(), dumbbell({33, 67}, neck), {.step = 1, .min_area = 40},
        {33, 67});
  add("a neck that the grid does not see", dumbbell({33, 67}, 1), {.step = 2, .min_area = 40}, {33, 67});
  add("as many components as there can be", lattice({31, 45}), {.min_area = 1}, {31, 45});
  add("the same on their own grid", lattice({31, 45}), {.step = 1, .min_area = 1, .least_peak = 0}, {31, 45});
  add("a coarse grid", discs(frame, {{36, 27, 24}, {36, 74, 24}}), {.step = 7, .least_peak = 1});
  Random random(11);
  for (int i = 0; i < 12; ++i) {
    const Size2 size{1 + static_cast<std::int64_t>(random.bits() % 60), 1 + static_cast<std::int64_t>(random.bits() % 60)};
    std::vector<Disc> cells;
    for (int k = 0; k < 8; ++k)
      cells.push_back({static_cast<std::int64_t>(random.bits() % static_cast<std::uint64_t>(size.h)),
                       static_cast<std::int64_t>(random.bits() % static_cast<std::uint64_t>(size.w)),
                       2 + static_cast<std::int64_t>(random.bits() % 9)});
    std::vector<std::uint8_t> mask = discs(size, cells);
    const float rough = i % 2 == 0 ? 0.05f : 0;
    for (std::uint8_t& pixel : mask) pixel = random.uniform(0, 1) < rough ? 1 - pixel : pixel;
    all.push_back({"random " + std::to_string(i), size, std::move(mask),
                   {.step = 1 + i % 3, .min_area = 1 + 9 * (i % 4), .depth = 5 * (i % 5), .least_peak = i % 3}});
  }
  return all;
}

}  // namespace giemsa::test
