#include "tests/engine/allocation_counter.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

namespace giemsa::test {
bool can_count_allocations() {
  return false;
}
void start_counting_allocations() {}
Allocations stop_counting_allocations() {
  return {};
}
}  // namespace giemsa::test

#else

// glibc's own names of what is replaced below.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

enum class Owner { ours, onednn, openmp, library };

constexpr int max_frames = 24;
std::atomic<bool> counting = false;
std::atomic<int> ours = 0, onednn = 0, openmp = 0, first_depth = 0;
std::atomic<std::int64_t> bytes_left = 0, largest_sum = 0;
void* first_frames[max_frames];
thread_local bool inside = false;  // backtrace() may allocate

Owner owner_of(void* address) {
  Dl_info info;
  if (!dladdr(address, &info) || !info.dli_fname) return Owner::onednn;  // only oneDNN runs generated code
  const char* slash = std::strrchr(info.dli_fname, '/');
  const std::string_view name = slash ? slash + 1 : info.dli_fname;
  if (name.starts_with("libdnnl")) return Owner::onednn;
  if (name.starts_with("libgomp") || name.starts_with("libomp")) return Owner::openmp;
  for (const std::string_view library : {"libstdc++", "libc.so", "libc++", "libgcc_s", "ld-linux"})
    if (name.starts_with(library)) return Owner::library;
  return Owner::ours;
}

void add_bytes(std::int64_t bytes) {
  const std::int64_t sum = bytes_left += bytes;
  std::int64_t largest = largest_sum;
  while (sum > largest && !largest_sum.compare_exchange_weak(largest, sum)) {
  }
}

/// Notes an allocation by the caller of the caller.
[[gnu::noinline]] void note(void* memory) {
  if (!counting || inside || !memory) return;
  inside = true;
  add_bytes(static_cast<std::int64_t>(malloc_usable_size(memory)));
  void* frames[max_frames];
  const int depth = backtrace(frames, max_frames);
  Owner owner = Owner::library;
  for (int i = 2; i < depth && owner == Owner::library; ++i) owner = owner_of(frames[i]);
  if (owner == Owner::onednn)
    ++onednn;
  else if (owner == Owner::openmp)
    ++openmp;
  else if (ours++ == 0) {
    std::memcpy(first_frames, frames, sizeof(frames));
    first_depth = depth;
  }
  inside = false;
}

void note_free(void* memory) {
  if (counting && !inside && memory) add_bytes(-static_cast<std::int64_t>(malloc_usable_size(memory)));
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  void* memory = __libc_malloc(size);
  note(memory);
  return memory;
}

void* calloc(std::size_t count, std::size_t size) {
  void* memory = __libc_calloc(count, size);
  note(memory);
  return memory;
}

void* realloc(void* old, std::size_t size) {
  note_free(old);
  void* memory = __libc_realloc(old, size);
  note(memory);
  return memory;
}

void* memalign(std::size_t alignment, std::size_t size) {
  void* memory = __libc_memalign(alignment, size);
  note(memory);
  return memory;
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  void* memory = __libc_memalign(alignment, size);
  note(memory);
  return memory;
}

int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
  void* memory = __libc_memalign(alignment, size);
  note(memory);
  if (!memory) return ENOMEM;
  *result = memory;
  return 0;
}

void free(void* memory) {
  note_free(memory);
  __libc_free(memory);
}

}  // extern "C"

namespace giemsa::test {

bool can_count_allocations() {
  return true;
}

void start_counting_allocations() {
  void* frame = nullptr;
  backtrace(&frame, 1);  // loads what it needs
  ours = onednn = openmp = first_depth = 0;
  bytes_left = largest_sum = 0;
  counting = true;
}

Allocations stop_counting_allocations() {
  counting = false;
  Allocations result{ours, onednn, openmp, bytes_left, largest_sum, {}};
  if (char** lines = backtrace_symbols(first_frames, first_depth)) {
    for (int i = 2; i < first_depth; ++i) result.first_of_ours += std::string("\n    ") + lines[i];
    std::free(lines);
  }
  return result;
}

}  // namespace giemsa::test

#endif
