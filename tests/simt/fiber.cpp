#include "tests/simt/fiber.h"

#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define GIEMSA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GIEMSA_ASAN 1
#endif
#endif
#ifdef GIEMSA_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace giemsa::simt {

namespace {

namespace context = boost::context::detail;

constexpr std::size_t stack_bytes = 64 << 10, page = 4 << 10;

/// All stacks in one mapping, with an inaccessible page below each, so that an overflow faults.
class Stacks {
 public:
  Stacks() {
    void* memory = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    begin_ = static_cast<std::byte*>(memory);
    for (int i = 0; i < max_fibers; ++i) mprotect(bottom(i) - page, page, PROT_NONE);
  }
  ~Stacks() { munmap(begin_, bytes()); }
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;

  std::byte* bottom(int i) const { return begin_ + static_cast<std::size_t>(i) * (page + stack_bytes) + page; }
  bool contain(const void* address) const {
    return reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(begin_) < bytes();
  }

 private:
  static constexpr std::size_t bytes() { return max_fibers * (page + stack_bytes); }
  std::byte* begin_;
};

Stacks stacks;
context::fcontext_t fibers[max_fibers];
context::fcontext_t scheduler;

// Debian's Boost.Context does not tell AddressSanitizer that the stack changes, so this file does. Fibers keep no fake
// stack: detect_stack_use_after_return does not reach into kernels, which are built without AddressSanitizer.
#ifdef GIEMSA_ASAN
const void* scheduler_stack;
std::size_t scheduler_stack_bytes;
void* scheduler_fake_stack;

void leaving_scheduler_for(int i) {
  __sanitizer_start_switch_fiber(&scheduler_fake_stack, stacks.bottom(i), stack_bytes);
}
void back_in_scheduler() {
  __sanitizer_finish_switch_fiber(scheduler_fake_stack, nullptr, nullptr);
}
void leaving_fiber() {
  __sanitizer_start_switch_fiber(nullptr, scheduler_stack, scheduler_stack_bytes);
}
void in_fiber() {
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_stack_bytes);
}
#else
void leaving_scheduler_for(int) {}
void back_in_scheduler() {}
void leaving_fiber() {}
void in_fiber() {}
#endif

}  // namespace

void reset_fiber(int i, void (*entry)()) {
  static void (*start)();
  start = entry;
  fibers[i] = context::make_fcontext(stacks.bottom(i) + stack_bytes, stack_bytes, [](context::transfer_t from) {
    in_fiber();
    scheduler = from.fctx;
    start();
  });
}

void resume_fiber(int i) {
  leaving_scheduler_for(i);
  fibers[i] = context::jump_fcontext(fibers[i], nullptr).fctx;
  back_in_scheduler();
}

void suspend_fiber() {
  leaving_fiber();
  scheduler = context::jump_fcontext(scheduler, nullptr).fctx;
  in_fiber();
}

bool on_fiber_stacks(const void* address) {
  return stacks.contain(address);
}

void forget_stack_frames() {
#ifdef GIEMSA_ASAN
  for (int i = 0; i < max_fibers; ++i) __asan_unpoison_memory_region(stacks.bottom(i), stack_bytes);
#endif
}

}  // namespace giemsa::simt
