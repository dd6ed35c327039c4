#include "engine/cpu/pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>

#include "engine/plan/plan.h"

namespace giemsa::cpu {

void FreePages::operator()(std::byte* memory) const {
  std::free(memory);
}

Pages allocate_pages(std::size_t bytes) {
  constexpr std::size_t huge = std::size_t{2} << 20;
  const std::size_t alignment = bytes >= huge ? huge : Plan::alignment;
  const std::size_t whole = std::max((bytes + alignment - 1) / alignment * alignment, alignment);
  Pages pages(static_cast<std::byte*>(std::aligned_alloc(alignment, whole)));
  // A wish: without huge pages all works as well, if slower.
  if (pages && alignment == huge) madvise(pages.get(), whole, MADV_HUGEPAGE);
  return pages;
}

}  // namespace giemsa::cpu
