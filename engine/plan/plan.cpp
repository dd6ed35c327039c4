#include "engine/plan/plan.h"

#include <algorithm>
#include <iomanip>
#include <numeric>
#include <sstream>

namespace giemsa {

namespace {

std::size_t aligned(std::size_t bytes) {
  return (bytes + Plan::alignment - 1) / Plan::alignment * Plan::alignment;
}

bool overlap(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

std::size_t peak(std::span<const Lifetime> lifetimes) {
  std::size_t most = 0;
  for (const Lifetime& at : lifetimes) {  // the peak is reached at some first use
    std::size_t live = 0;
    for (const Lifetime& other : lifetimes)
      if (other.first <= at.first && at.first <= other.last) live += aligned(other.bytes);
    most = std::max(most, live);
  }
  return most;
}

}  // namespace

Plan plan_memory(std::span<const Lifetime> lifetimes) {
  Plan plan;
  plan.offsets.assign(lifetimes.size(), 0);
  plan.peak_live_bytes = peak(lifetimes);

  std::vector<std::size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });

  std::vector<std::size_t> placed;  // by rising offset
  for (std::size_t index : order) {
    const std::size_t bytes = aligned(lifetimes[index].bytes);
    std::size_t offset = 0;
    for (std::size_t other : placed) {
      if (!overlap(lifetimes[index], lifetimes[other])) continue;
      if (offset + bytes <= plan.offsets[other]) break;
      offset = std::max(offset, plan.offsets[other] + aligned(lifetimes[other].bytes));
    }
    plan.offsets[index] = offset;
    plan.arena_bytes = std::max(plan.arena_bytes, offset + bytes);
    placed.insert(std::ranges::upper_bound(placed, offset, {}, [&](std::size_t i) { return plan.offsets[i]; }), index);
  }
  return plan;
}

std::string to_table(const Plan& plan, std::span<const Lifetime> lifetimes) {
  std::vector<std::size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return lifetimes[i].first; });

  std::ostringstream out;
  out << std::setw(12) << "offset" << std::setw(12) << "bytes" << std::setw(7) << "first" << std::setw(7) << "last"
      << "  value\n";
  for (std::size_t i : order) {
    const Lifetime& life = lifetimes[i];
    out << std::setw(12) << plan.offsets[i] << std::setw(12) << life.bytes << std::setw(7) << life.first << std::setw(7)
        << life.last << "  " << life.name << '\n';
  }
  out << "arena " << plan.arena_bytes << " bytes, most alive at once " << plan.peak_live_bytes << " bytes\n";
  return std::move(out).str();
}

}  // namespace giemsa
