// Memory for what is large and lives long: activations and packed weights.
#pragma once

#include <cstddef>
#include <memory>

namespace giemsa::cpu {

struct FreePages {
  void operator()(std::byte* memory) const;
};
using Pages = std::unique_ptr<std::byte, FreePages>;

/// At least `bytes`, aligned to cache lines; null where there is none. From 2 MiB on it is aligned to huge pages, and
/// the kernel is asked for them: their first use is cheaper and they spare TLB misses.
Pages allocate_pages(std::size_t bytes);

}  // namespace giemsa::cpu
