// Every step of the labels' ladder is held to what the product's is: the same cases, equality with the flood fill.
#include "kernels/ladder/labels_ladder.h"
#include "tests/kernels/cleaned_mask.h"
#include "tests/kernels/thread_orders.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::LabelsStep;

namespace {

Cleaned clean_by(const LabelsStep& step, const std::vector<std::uint8_t>& mask, const ComponentsParams& params) {
  const std::int64_t pixels = std::int64_t{params.h} * params.w;
  DeviceBuffer<std::uint8_t> in{std::span(mask)}, clean(pixels);
  DeviceBuffer<std::int32_t> labels(pixels);
  DeviceBuffer<Region> table(1 + params.capacity);
  DeviceBuffer<std::byte> workspace(static_cast<std::int64_t>(kernels::labels_ladder_workspace_bytes(params)));
  step.run(clean.data(), labels.data(), reinterpret_cast<ComponentCount*>(table.data()), workspace.data(), in.data(),
           params, nullptr);
  return {clean.values(), labels.values(), table.values()};
}

void check_steps(const std::vector<std::uint8_t>& mask, Size2 size, std::int64_t min_area, const std::string& how) {
  const Cleaned expected = clean_by_flood(mask, size, min_area);
  const ComponentsParams params = params_of(size, min_area);
  for (const LabelsStep& step : kernels::labels_steps) {
    const auto check = [&] { check_same(clean_by(step, mask, params), expected, cat(step.name, ", ", how)); };
    // The first step takes a launch a pixel of the way, hundreds for a large mask. Its threads share nothing in one.
    constexpr std::int64_t most_pixels = 4500;
    if (&step != &kernels::labels_steps[0])
      in_all_thread_orders(check);
    else if (size.h * size.w <= most_pixels)
      check();
  }
}

}  // namespace

TEST_CASE("labels ladder: every step equals the flood fill") {
  for (const ComponentsCase& c : components_cases) {
    // A label takes as many launches as a spiral is long: 2000 of 4000 pixels. A smaller one follows.
    if (c.pattern == Pattern::spiral) continue;
    SUBCASE(c.name) {
      check_steps(make_mask(c.pattern, c.size), c.size, c.min_area,
                  cat("rerun: test_kernels -tc='labels ladder*' -sc='", c.name, "'"));
    }
  }
  SUBCASE("small spiral") {
    check_steps(make_mask(Pattern::spiral, {19, 35}), {19, 35}, 1, "spiral");
  }
}

TEST_CASE("labels ladder: shapes across many tiles, in both colours") {
  const Size2 size{67, 97};
  for (const Pattern pattern : {Pattern::rings, Pattern::checkerboard, Pattern::diagonals}) {
    std::vector<std::uint8_t> mask = make_mask(pattern, size);
    for (std::uint8_t& pixel : mask) pixel = pixel == 0;
    check_steps(mask, size, 1, cat("pattern ", static_cast<int>(pattern), " inverted"));
  }
}

TEST_CASE("labels ladder: random masks") {
  Random random(9);
  for (int i = 0; i < 8; ++i) {
    const Size2 size{1 + static_cast<std::int64_t>(random.bits() % 75),
                     1 + static_cast<std::int64_t>(random.bits() % 75)};
    check_steps(noise(random, size, random.uniform(0.2f, 0.9f)), size, static_cast<std::int64_t>(random.bits() % 6),
                cat("mask ", i));
  }
}
