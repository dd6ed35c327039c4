#include "engine/cpu/pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "engine/base/check.h"
#include "engine/plan/plan.h"

namespace giemsa::cpu {

namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

// Sanitizers see what is read and written beyond a block of malloc() and not beyond a mapped one.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t least_mapped = SIZE_MAX;
#else
constexpr std::size_t least_mapped = std::size_t{128} << 10;
#endif

std::size_t rounded_up(std::size_t bytes, std::size_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

/// `bytes`, a multiple of the system's pages, at a multiple of `alignment`; null where there is none.
std::byte* map(std::size_t bytes, std::size_t alignment) {
  void* const memory = mmap(nullptr, bytes + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(memory);
  const std::size_t before =
      rounded_up(reinterpret_cast<std::uintptr_t>(begin), alignment) - reinterpret_cast<std::uintptr_t>(begin);
  if (before > 0) munmap(begin, before);
  munmap(begin + before + bytes, alignment - before);
  return begin + before;
}

}  // namespace

void FreePages::operator()(std::byte* memory) const {
  switch (from) {
    case From::malloc:
      return std::free(memory);
    case From::mmap:
      munmap(memory, bytes);
      return;
    case From::host:
      return host->release(memory, bytes);
  }
}

Pages allocate_pages(std::size_t bytes, const std::shared_ptr<HostMemory>& host, const char* what) {
  using From = FreePages::From;
  const bool large = bytes >= huge_page, maps = bytes >= least_mapped;
  const std::size_t alignment = large  ? huge_page
                                : maps ? static_cast<std::size_t>(sysconf(_SC_PAGESIZE))
                                       : Plan::alignment;
  const std::size_t whole = std::max(rounded_up(bytes, alignment), alignment);
  const From from = host ? From::host : maps ? From::mmap : From::malloc;
  void* const memory = host   ? host->allocate(whole, alignment)
                       : maps ? map(whole, alignment)
                              : std::aligned_alloc(alignment, whole);
  check(memory != nullptr, ErrorKind::memory, "out of memory: ", what, " need ", whole, " bytes");
  // A wish: without huge pages all works as well, if slower.
  if (maps && large && !host) madvise(memory, whole, MADV_HUGEPAGE);
  return Pages(static_cast<std::byte*>(memory), FreePages{whole, from, host});
}

}  // namespace giemsa::cpu
