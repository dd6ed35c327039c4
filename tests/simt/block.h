// The threads of one block: who runs, who waits for whom, and what is wrong when nobody can run.
#pragma once

#include <cstdint>
#include <functional>
#include <source_location>
#include <span>
#include <string>

#include "kernels/types.h"

namespace giemsa::simt {

using Site = std::source_location;

inline constexpr int warp_size = 32;

enum class Status : std::uint8_t { ready, at_barrier, in_warp_operation, finished };

struct Thread {
  int id = 0;  ///< x + block.x * (y + block.y * z)
  Status status = Status::ready;
  bool waited_for_previous = false;  ///< see wait_for_previous_kernel()
  const char* operation = "";        ///< the warp operation that it waits in
  unsigned mask = 0;
  void* operand = nullptr;
  Site site = {};  ///< the last barrier or warp operation that it came to

  int warp() const { return id / warp_size; }
  int lane() const { return id % warp_size; }
};

/// The thread that runs; only from within a kernel.
Thread& current_thread();

/// Whether code of a kernel runs, rather than of the emulator or the host.
extern bool in_kernel;

/// While one lives, the emulator's own memory accesses are not taken for the kernel's.
class Emulating {
 public:
  Emulating() : before_(in_kernel) { in_kernel = false; }
  ~Emulating() { in_kernel = before_; }
  Emulating(const Emulating&) = delete;
  Emulating& operator=(const Emulating&) = delete;

 private:
  bool before_;
};

/// Calls body(call) as each thread of each block, in the order chosen by set_thread_order(). Throws Fault.
void run(const kernels::Launch& how, void (*body)(const void* call), const void* call);

/// Stops the kernel: launch() throws Fault, with the current thread and the last barrier it passed before `what`.
[[noreturn]] void fault(std::string what);

/// Waits until all threads of the block have come to the barrier at `site`.
void meet_block(Site site);

/// Waits until all lanes in `mask` have come to the same operation with the same mask; the last one calls `combine`
/// with the operands of all, indexed by lane.
using Lanes = std::span<void* const, warp_size>;
void meet_warp(const char* operation, unsigned mask, void* operand, Site site, void (*combine)(Lanes, unsigned mask));

enum class Order { forward, reversed, shuffled };

/// In which order blocks, and the threads of a block between two barriers, run from now on. A correct kernel gives the
/// same result in all.
void set_thread_order(Order order, std::uint64_t seed = 1);

/// Calls test() once for each order: forward, reversed and two shuffles.
void in_all_thread_orders(const std::function<void()>& test);

}  // namespace giemsa::simt
