// What a centre head may say of masks of touching cells: the truth, nonsense, and numbers that no network should give.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "engine/ops/centres.h"
#include "tests/ops/split_cases.h"
#include "tests/ref/centres.h"

namespace giemsa::test {

struct CentreCase {
  std::string name = {};
  Size2 size = {};
  std::vector<std::uint8_t> mask = {};
  ref::CentreHead head = {};
  std::int64_t step = 4;
  std::int64_t min_area = 20;
  std::int64_t reach = 3;
  float least = 0.1f;
};

/// Two cells at least, which touch, and what the truth is of each pixel that only one of them covers.
inline const std::vector<Disc> pair_of_discs{{36, 27, 24}, {33, 62, 22}};

/// What a head that knows the discs gives for an image of `size`: 1 at the place of each middle, falling off around it,
/// and the offsets to the nearest one; all rounded to multiples of `unit`, 0 for none.
inline ref::CentreHead knowing_head(Size2 size, Size2 places, const std::vector<Disc>& discs, float unit) {
  ref::CentreHead head{places, std::vector<float>(static_cast<std::size_t>(3 * places.h * places.w))};
  const auto rounded = [&](double value) {
    return unit > 0 ? unit * static_cast<float>(std::round(value / unit)) : static_cast<float>(value);
  };
  const auto scale_y = static_cast<double>(places.h) / static_cast<double>(size.h);
  const auto scale_x = static_cast<double>(places.w) / static_cast<double>(size.w);
  for (std::int64_t y = 0; y < places.h; ++y)
    for (std::int64_t x = 0; x < places.w; ++x) {
      double least = std::numeric_limits<double>::max(), to_y = 0, to_x = 0;
      for (const Disc& d : discs) {
        const double by = (static_cast<double>(d.y) + 0.5) * scale_y - 0.5 - static_cast<double>(y);
        const double bx = (static_cast<double>(d.x) + 0.5) * scale_x - 0.5 - static_cast<double>(x);
        const double far = std::hypot(by, bx) - static_cast<double>(d.radius) * scale_y;
        if (far >= least) continue;
        least = far;
        to_y = by;
        to_x = bx;
      }
      const double heat = (unit > 0 ? 100 : 1) * std::exp(-(to_y * to_y + to_x * to_x) / 8);
      const auto place = static_cast<std::size_t>(y * places.w + x),
                 plane = static_cast<std::size_t>(places.h * places.w);
      head.values[place] = rounded(heat);
      head.values[plane + place] = rounded(to_y);
      head.values[2 * plane + place] = rounded(to_x);
    }
  return head;
}

inline ref::CentreHead random_head(Size2 places, Random& random, float heat, float offset, bool whole) {
  ref::CentreHead head{places, {}};
  for (std::int64_t i = 0; i < 3 * places.h * places.w; ++i) {
    const float range = i < places.h * places.w ? heat : offset;
    const float value = random.uniform(-range, range);
    head.values.push_back(whole ? std::round(value) : value);
  }
  return head;
}

/// `whole`: only cases whose numbers are integers from -128 to 127, which every precision holds exactly.
inline std::vector<CentreCase> centre_cases(bool whole) {
  std::vector<CentreCase> all;
  const Size2 frame{72, 101};
  const float unit = whole ? 1.0f : 0.0f;
  const auto add = [&](std::string name, Size2 places, std::vector<Disc> truth, CentreCase rest = {}) {
    rest.name = std::move(name);
    rest.size = frame;
    rest.mask = discs(frame, pair_of_discs);
    rest.head = knowing_head(frame, places, truth, unit);
    all.push_back(std::move(rest));
  };
  add("two discs, a place for every cell", {18, 25}, pair_of_discs);
  add("two discs, a place for four cells", {9, 13}, pair_of_discs, {.reach = 1});
  add("two discs, eleven places for each cell", {60, 84}, pair_of_discs, {.reach = 6});
  add("every pixel a cell", {18, 25}, pair_of_discs, {.step = 1});
  add("a coarse grid", {36, 50}, pair_of_discs, {.step = 7});
  add("one centre", {18, 25}, {{36, 40, 40}});
  add("a centre in the background", {18, 25}, {{36, 27, 24}, {70, 99, 9}});
  add("a part below the least area", {18, 25}, pair_of_discs, {.min_area = 1700});
  add("nothing is a peak", {18, 25}, pair_of_discs, {.reach = 64, .least = 1});
  add("a single place", {1, 1}, pair_of_discs);
  add("a single row of places", {1, 40}, pair_of_discs);
  Random random(whole ? 21 : 22);
  for (int i = 0; i < 10; ++i) {
    const Size2 size{1 + static_cast<std::int64_t>(random.bits() % 70),
                     1 + static_cast<std::int64_t>(random.bits() % 70)};
    const Size2 places{1 + static_cast<std::int64_t>(random.bits() % 31),
                       1 + static_cast<std::int64_t>(random.bits() % 33)};
    std::vector<Disc> cells;
    for (int k = 0; k < 7; ++k)
      cells.push_back({static_cast<std::int64_t>(random.bits() % static_cast<std::uint64_t>(size.h)),
                       static_cast<std::int64_t>(random.bits() % static_cast<std::uint64_t>(size.w)),
                       2 + static_cast<std::int64_t>(random.bits() % 9)});
    all.push_back({"random " + std::to_string(i), size, discs(size, cells), random_head(places, random, 3, 9, whole),
                   2 + i % 4, 1 + 7 * (i % 3), 1 + i % 4, 0.5f});
  }
  // As many peaks as there are places, in one component: more than are told apart.
  const auto plenty = [&](const char* name, Size2 places) {
    CentreCase c{name, {160, 160}, std::vector<std::uint8_t>(160 * 160, 1), {}, 2, 1, 1, 0.5f};
    c.head = {places, std::vector<float>(static_cast<std::size_t>(3 * places.h * places.w))};
    for (std::int64_t y = 0; y < places.h; y += 2)
      for (std::int64_t x = 0; x < places.w; x += 2) c.head.values[static_cast<std::size_t>(y * places.w + x)] = 2;
    all.push_back(std::move(c));
  };
  plenty("as many peaks as are told apart", {64, 64});
  plenty("more peaks than are told apart", {64, 66});
  if (!whole) {
    CentreCase c = all.front();
    c.name = "numbers that are none";
    constexpr float infinite = std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < c.head.values.size(); ++i) {
      if (i % 11 == 0) c.head.values[i] = std::numeric_limits<float>::quiet_NaN();
      if (i % 13 == 0) c.head.values[i] = i % 2 == 0 ? infinite : -infinite;
      if (i % 17 == 0) c.head.values[i] = i % 2 == 0 ? 3e38f : -3e38f;
    }
    all.push_back(std::move(c));
  }
  return all;
}

}  // namespace giemsa::test
