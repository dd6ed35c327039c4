// The memory planner.
#include "engine/plan/plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

namespace giemsa {

namespace {

bool share_a_step(const Lifetime& a, const Lifetime& b) {
  return std::max(a.first, b.first) <= std::min(a.last, b.last);
}

/// Pairs that are alive together and overlap in memory.
int collisions(const Plan& plan, const std::vector<Lifetime>& lifetimes) {
  int count = 0;
  for (std::size_t i = 0; i < lifetimes.size(); ++i)
    for (std::size_t j = i + 1; j < lifetimes.size(); ++j) {
      const bool apart = plan.offsets[i] + lifetimes[i].bytes <= plan.offsets[j] ||
                         plan.offsets[j] + lifetimes[j].bytes <= plan.offsets[i];
      const bool empty = lifetimes[i].bytes == 0 || lifetimes[j].bytes == 0;
      count += share_a_step(lifetimes[i], lifetimes[j]) && !apart && !empty;
    }
  return count;
}

std::vector<Lifetime> random_lifetimes(std::uint32_t seed) {
  std::mt19937 generator(seed);
  const auto below = [&](std::uint32_t limit) { return static_cast<int>(generator() % limit); };
  std::vector<Lifetime> lifetimes(static_cast<std::size_t>(1 + below(60)));
  for (Lifetime& life : lifetimes) {
    life.bytes = below(8) == 0 ? 0 : static_cast<std::size_t>(below(5000));
    life.first = below(40);
    life.last = life.first + (below(4) == 0 ? below(40) : below(3));
  }
  return lifetimes;
}

}  // namespace

TEST_CASE("nothing needs nothing") {
  const Plan plan = plan_memory({});
  CHECK(plan.offsets.empty());
  CHECK(plan.arena_bytes == 0);
  CHECK(plan.peak_live_bytes == 0);
}

TEST_CASE("what never lives together shares memory, what does lies apart") {
  const std::vector<Lifetime> chain{{"a", 128, 0, 1}, {"b", 128, 1, 2}, {"c", 128, 2, 3}};
  const Plan plan = plan_memory(chain);
  CHECK(plan.offsets == std::vector<std::size_t>{0, 128, 0});
  CHECK(plan.arena_bytes == 256);
  CHECK(plan.peak_live_bytes == 256);
}

TEST_CASE("the largest is placed first, and small ones fill the gaps") {
  const std::vector<Lifetime> lifetimes{
      {"small", 64, 0, 9}, {"large", 640, 0, 1}, {"late", 576, 2, 3}, {"gap", 64, 2, 3}};
  const Plan plan = plan_memory(lifetimes);
  CHECK(plan.offsets == std::vector<std::size_t>{640, 0, 0, 576});
  CHECK(plan.arena_bytes == 704);
  CHECK(plan.peak_live_bytes == 704);
}

TEST_CASE("odd sizes are aligned") {
  const std::vector<Lifetime> lifetimes{{"a", 65, 0, 0}, {"b", 1, 0, 0}};
  const Plan plan = plan_memory(lifetimes);
  CHECK(plan.offsets == std::vector<std::size_t>{0, 128});
  CHECK(plan.arena_bytes == 192);
}

TEST_CASE("random lifetimes: no collision, aligned, within bounds, deterministic") {
  for (std::uint32_t seed = 1; seed <= 500; ++seed) {
    CAPTURE(seed);
    const std::vector<Lifetime> lifetimes = random_lifetimes(seed);
    const Plan plan = plan_memory(lifetimes);
    REQUIRE(plan.offsets.size() == lifetimes.size());
    CHECK(collisions(plan, lifetimes) == 0);
    CHECK(plan.arena_bytes >= plan.peak_live_bytes);
    std::size_t total = 0;
    for (std::size_t i = 0; i < lifetimes.size(); ++i) {
      CHECK(plan.offsets[i] % Plan::alignment == 0);
      CHECK(plan.offsets[i] + lifetimes[i].bytes <= plan.arena_bytes);
      total += (lifetimes[i].bytes + Plan::alignment - 1) / Plan::alignment * Plan::alignment;
    }
    CHECK(plan.arena_bytes <= total);
    CHECK(plan_memory(lifetimes).offsets == plan.offsets);
  }
}

TEST_CASE("the table names every value once") {
  const std::vector<Lifetime> lifetimes{{"second", 64, 1, 2}, {"first", 100, 0, 1}};
  const std::string table = to_table(plan_memory(lifetimes), lifetimes);
  CHECK(table.find("first\n") < table.find("second\n"));
  CHECK(table.find("second\n") != table.npos);
  CHECK(table.find("arena 192 bytes, most alive at once 192 bytes\n") != table.npos);
}

}  // namespace giemsa
