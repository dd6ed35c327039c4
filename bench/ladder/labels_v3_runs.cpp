// Step 3: union-find over runs, stretches of one colour in a row, whose ends are found 64 pixels at a time as bits that
// differ from their neighbours. A cell of 60 pixels' width then costs a row one run instead of 60 parents. These are
// the engine's ops as a graph has them before passes/fuse_cleanup.cpp: fill holes, open, label, measure, each of which
// finds the runs anew and writes a mask or labels for the next.
#include <algorithm>

#include "bench/ladder/labels_ladder.h"
#include "kernels/cpu/imaging/components.h"
#include "kernels/cpu/scratch.h"

namespace giemsa::ladder {

namespace cpu = kernels::cpu;

std::int32_t labels_v3_runs(const std::uint8_t* mask, Size2 size, std::int64_t min_area, std::int32_t* labels,
                            RegionCount* table, std::int64_t capacity, std::span<std::byte> scratch) {
  const cpu::Extent extent{size.h, size.w};
  cpu::Scratch memory(scratch);
  auto* const between = memory.take<std::uint8_t>(size.h * size.w);
  const auto bytes = static_cast<std::int64_t>(cpu::components_scratch_bytes(extent));
  const std::span own(memory.take<std::byte>(bytes), static_cast<std::size_t>(bytes));
  cpu::fill_holes(mask, extent, between, own);
  cpu::area_open(between, extent, min_area, between, own);
  const std::int32_t count = cpu::label_components(between, extent, labels, own);
  cpu::region_table(labels, extent, capacity, reinterpret_cast<cpu::ComponentCount*>(table));
  return count;
}

std::size_t labels_scratch_bytes(Size2 size) {
  const std::int64_t pixels = size.h * size.w;
  const std::size_t of_v2 = 2 * cpu::scratch_bytes_of<std::int32_t>(1 + pixels) + cpu::scratch_bytes_of<char>(pixels);
  const std::size_t of_v3 =
      cpu::scratch_bytes_of<char>(pixels) + cpu::components_scratch_bytes({size.h, size.w}) + cpu::scratch_alignment;
  return std::max(of_v2, of_v3);
}

}  // namespace giemsa::ladder
