// Where every intermediate result lives: a pure function from lifetimes to offsets in one arena.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace giemsa {

/// A block of memory that is needed from step `first` to step `last`, both included.
struct Lifetime {
  std::string name;
  std::size_t bytes = 0;
  int first = 0, last = 0;
};

struct Plan {
  std::vector<std::size_t> offsets;  ///< one a lifetime, multiples of Plan::alignment
  std::size_t arena_bytes = 0;
  std::size_t peak_live_bytes = 0;  ///< the most that is alive at one step: no plan can need less

  static constexpr std::size_t alignment = 64;  ///< a cache line, and a 512-bit vector
};

/// Places the largest first, each at the lowest offset where nothing alive at the same time lies (greedy by size).
/// Deterministic: equal sizes keep their order.
Plan plan_memory(std::span<const Lifetime> lifetimes);

/// The plan as a table, one line a lifetime in order of first use.
std::string to_table(const Plan& plan, std::span<const Lifetime> lifetimes);

}  // namespace giemsa
