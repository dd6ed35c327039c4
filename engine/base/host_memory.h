// Who gives the host memory that is large and lives long.
#pragma once

#include <cstddef>

namespace giemsa {

/// Called by any thread, also at the same time.
class HostMemory {
 public:
  virtual ~HostMemory() = default;

  /// `bytes`, a multiple of `alignment`, which is a power of two; null where there are none.
  virtual void* allocate(std::size_t bytes, std::size_t alignment) noexcept = 0;
  virtual void release(void* memory, std::size_t bytes) noexcept = 0;
};

}  // namespace giemsa
