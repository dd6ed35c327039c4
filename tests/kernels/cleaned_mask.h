// What comes out of a mask, by whatever kernels, and what has to.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "engine/base/region.h"
#include "kernels/components.h"
#include "tests/kernels/device_buffer.h"
#include "tests/ops/compare.h"
#include "tests/ops/components_cases.h"
#include "tests/ops/random.h"
#include "tests/ref/components.h"

namespace giemsa::test {

using kernels::ComponentCount;
using kernels::ComponentRecord;
using kernels::ComponentsParams;

/// Everything that comes out of a mask.
struct Cleaned {
  std::vector<std::uint8_t> mask;
  std::vector<std::int32_t> labels;
  std::vector<Region> table;  ///< the count as row 0, and zeroed records to the end
};

inline ComponentsParams params_of(Size2 size, std::int64_t min_area) {
  ComponentsParams params{
      .h = static_cast<int>(size.h), .w = static_cast<int>(size.w), .min_area = static_cast<int>(min_area)};
  params.capacity = max_regions(size.h, size.w, min_area);
  return params;
}

inline Cleaned clean_by_flood(const std::vector<std::uint8_t>& mask, Size2 size, std::int64_t min_area) {
  Cleaned out;
  out.mask = ref::area_open(ref::fill_holes(mask, size), size, min_area);
  const std::int32_t count = ref::label(out.mask, size, 0, out.labels);
  const std::vector<Region> regions = ref::regions(out.labels, size, count);
  out.table.resize(static_cast<std::size_t>(1 + max_regions(size.h, size.w, min_area)));
  REQUIRE_LT(regions.size(), out.table.size());
  const RegionCount head{count, {}};
  std::memcpy(out.table.data(), &head, sizeof head);
  std::copy(regions.begin(), regions.end(), out.table.begin() + 1);
  return out;
}

inline void check_same(const Cleaned& actual, const Cleaned& expected, const std::string& how) {
  check_equal(actual.mask, expected.mask, how);
  check_equal(actual.labels, expected.labels, how);
  CHECK_MESSAGE(actual.table == expected.table, how);
}

inline std::vector<std::uint8_t> noise(Random& random, Size2 size, float density) {
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(size.h * size.w));
  for (std::uint8_t& pixel : mask) pixel = random.uniform(0, 1) < density ? 255 : 0;
  return mask;
}

}  // namespace giemsa::test
