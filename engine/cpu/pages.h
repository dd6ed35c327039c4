// Memory for what is large and lives long: activations and packed weights.
#pragma once

#include <cstddef>
#include <memory>

#include "engine/base/host_memory.h"

namespace giemsa::cpu {

struct FreePages {
  std::size_t bytes = 0;
  enum class From { malloc, mmap, host } from = From::malloc;
  std::shared_ptr<HostMemory> host{};
  void operator()(std::byte* memory) const;
};
using Pages = std::unique_ptr<std::byte, FreePages>;

/// At least `bytes`, aligned to cache lines, for `what`: of `host` or, where that is null, of the system. Throws
/// Error(memory) where there is none.
///
/// From 2 MiB on it is aligned to huge pages, and the system's kernel is asked for them: their first use is cheaper and
/// they spare TLB misses. From 128 KiB on it is mapped, so that the system has it back as soon as it is freed. malloc()
/// maps large blocks too, but only until the first is freed: from then on it cuts blocks of that size, up to 32 MiB,
/// out of its heap, whose holes stay with the process. (Sixteen frame sizes in turn, three times, of which eight are
/// kept: 892 MB with malloc() and 702 after the session is closed; 755 and 304 with mmap().)
Pages allocate_pages(std::size_t bytes, const std::shared_ptr<HostMemory>& host, const char* what);

}  // namespace giemsa::cpu
