// What kernels ask of the hardware, counted: the same numbers in every run and on every machine, and in every order of
// threads too unless they race, as in union-find, where the work of one depends on who went before. They are no times.
// What a cache or a scheduler makes of them is not known here.
//
// The emulator runs the threads of a warp one after the other, so it has to be worked out which of their accesses are
// one instruction of the warp: those that threads make at the same place of the machine code, reached by the same calls
// (__tsan_func_entry tells of them), for the n-th time each since all lanes of the warp last met at a barrier or in a
// warp operation. Where lanes take a loop's rounds in different number, the rounds pair up from the first, as hardware
// has it; a second such loop inside one function pairs up from its first round only where lanes met between the two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/simt/memory.h"

namespace giemsa::simt {

struct Counts {
  std::int64_t launches = 0, blocks = 0, warps = 0;
  std::int64_t fills = 0, host_reads = 0;  ///< fill_bytes(); results that the host waited for

  /// Global memory. An instruction of a warp requests the distinct sectors of 32 bytes that its lanes touch; useful are
  /// the distinct bytes among them.
  struct Traffic {
    std::int64_t instructions = 0, sectors = 0, useful_bytes = 0;
    friend bool operator==(const Traffic&, const Traffic&) = default;
  };
  Traffic read = {}, write = {};  ///< plain ones; asynchronous copies read

  /// Shared memory, in wavefronts: 32 banks of 4 bytes answer at once what lies in different banks or in the same word.
  /// Accesses of 8 bytes go by half warps, of 16 bytes by quarters. `least` is without bank conflicts.
  struct Wavefronts {
    std::int64_t instructions = 0, wavefronts = 0, least = 0;
    friend bool operator==(const Wavefronts&, const Wavefronts&) = default;
  };
  Wavefronts shared = {};

  std::int64_t global_atomics = 0, shared_atomics = 0;  ///< of threads
  std::int64_t barriers = 0;                            ///< that blocks passed
  std::int64_t warp_operations = 0;                     ///< shuffles, votes and warp barriers, of warps
  std::int64_t matrix_products = 0;                     ///< m16n8k16; one of k8 is half of it and counts as one

  Counts& operator+=(const Counts& other);
  friend bool operator==(const Counts&, const Counts&) = default;
};

/// Counts while it lives. One at a time.
class Counting {
 public:
  Counting();
  ~Counting();
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;

  /// Of each launch so far, in their order. What happened between two launches belongs to the one before.
  const std::vector<Counts>& launches() const;
  Counts sum() const;
};

// ---- what the emulator reports; each does nothing unless somebody counts ----

void count_launch(int blocks, int threads);
void count_fill();
void count_host_read();
/// The current thread's, by the instruction at `place`.
void count_access(Space space, const void* address, std::size_t bytes, Access kind, const void* place);
void count_call(const void* place);
void count_return();
void count_barrier();
/// These three by the last lane to come, for all of them: whatever they meet for, and what it was.
void count_meeting(unsigned mask);
void count_warp_operation();
void count_matrix_product();
/// No thread of the block runs any more.
void count_block_end();

}  // namespace giemsa::simt
