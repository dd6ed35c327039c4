// Which memory a kernel may touch, and what its threads know of each other's writes to shared memory.
//
// Kernels are compiled with -fsanitize=thread, whose callbacks at every load and store lead to access() (see
// hooks.cpp). Global memory is what allocate() returned, to the byte. For each byte of shared memory there is a record
// of who wrote and who read it last; two accesses by different threads, at least one of them a write, must be ordered
// by a block barrier, or by sync_warp() within a warp. A barrier between warps is known only as the number of block
// barriers passed (epoch); within a warp each lane has a vector clock, as in FastTrack (Flanagan and Freund, PLDI
// 2009).
#pragma once

#include <cstddef>
#include <cstdint>

namespace giemsa::simt {

enum class Access : std::uint8_t { read, write, atomic };

/// A thread's own: its stack. Constant: the program's image.
enum class Space : std::uint8_t { own, constant, global, shared };

/// Faults unless the current thread may access `bytes` bytes at `address` in this way; says what memory it is.
Space access(const void* address, std::size_t bytes, Access kind);

/// Faults unless `address` is a multiple of `bytes`.
void check_aligned(const void* address, std::size_t bytes);

/// Device memory of exactly `bytes` bytes between guard bands, aligned to 256 bytes as cudaMalloc's.
void* allocate(std::size_t bytes);
void release(void* memory);

/// Makes `bytes` bytes, with `band` more on both sides that nobody may touch, shared memory for as long as the process
/// lives.
void register_shared(void* memory, std::size_t bytes, std::size_t band);

/// Sets the size of the block's dynamic shared memory.
void set_dynamic_shared(std::size_t bytes);
void* dynamic_shared_memory();

/// A new block starts: nobody has written any shared memory.
void start_block();
/// Differs from block to block.
std::uint32_t block_serial();

/// All threads of the block met.
void block_synchronised();

/// The lanes in `mask` of a warp met.
void warp_synchronised(int warp, unsigned mask);

/// The current thread issues an asynchronous copy to shared memory: nobody may touch it until landed() is called, by
/// the same thread.
void in_flight(const void* shared, std::size_t bytes);
void landed(const void* shared, std::size_t bytes);

}  // namespace giemsa::simt
