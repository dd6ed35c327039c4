// The callbacks that -fsanitize=thread puts at each load and store of a kernel. The sanitizer's own library is not
// linked: its place is taken by this file, which checks the access against the emulated memory. Host code in the same
// files calls them too, and is let through.
#include <cstddef>

#include "tests/simt/block.h"
#include "tests/simt/counters.h"
#include "tests/simt/memory.h"

namespace {

using giemsa::simt::Access;

void check(const void* address, std::size_t bytes, Access kind, bool aligned, const void* place) {
  if (!giemsa::simt::in_kernel) return;
  if (aligned) giemsa::simt::check_aligned(address, bytes);
  giemsa::simt::count_access(giemsa::simt::access(address, bytes, kind), address, bytes, kind, place);
}

}  // namespace

// The names and signatures are the compiler's. NOLINTBEGIN(readability-identifier-naming, bugprone-reserved-identifier)
// Where in the kernel the callback was called.
#define GIEMSA_PLACE __builtin_return_address(0)

extern "C" {

#define GIEMSA_HOOKS(bytes)                              \
  void __tsan_read##bytes(void* p) {                     \
    check(p, bytes, Access::read, true, GIEMSA_PLACE);   \
  }                                                      \
  void __tsan_write##bytes(void* p) {                    \
    check(p, bytes, Access::write, true, GIEMSA_PLACE);  \
  }                                                      \
  void __tsan_unaligned_read##bytes(void* p) {           \
    check(p, bytes, Access::read, false, GIEMSA_PLACE);  \
  }                                                      \
  void __tsan_unaligned_write##bytes(void* p) {          \
    check(p, bytes, Access::write, false, GIEMSA_PLACE); \
  }

GIEMSA_HOOKS(1)
GIEMSA_HOOKS(2)
GIEMSA_HOOKS(4)
GIEMSA_HOOKS(8)
GIEMSA_HOOKS(16)
#undef GIEMSA_HOOKS

void __tsan_read_range(void* p, std::size_t bytes) {
  check(p, bytes, Access::read, false, GIEMSA_PLACE);
}
void __tsan_write_range(void* p, std::size_t bytes) {
  check(p, bytes, Access::write, false, GIEMSA_PLACE);
}

// Not for device memory: guards of local statics, and host code.
unsigned char __tsan_atomic8_load(const volatile unsigned char* p, int) {
  return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
int __tsan_atomic32_fetch_add(volatile int* p, int value, int) {
  return __atomic_fetch_add(p, value, __ATOMIC_ACQ_REL);
}
void __tsan_vptr_update(void**, void*) {}
void __tsan_init() {}
void __tsan_func_entry(void* caller) {
  if (giemsa::simt::in_kernel) giemsa::simt::count_call(caller);
}
void __tsan_func_exit() {
  if (giemsa::simt::in_kernel) giemsa::simt::count_return();
}

}  // extern "C"
// NOLINTEND(readability-identifier-naming, bugprone-reserved-identifier)
