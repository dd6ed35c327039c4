#include "tests/simt/block.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "engine/base/check.h"
#include "tests/ops/random.h"
#include "tests/simt/counters.h"
#include "tests/simt/device.h"
#include "tests/simt/fault.h"
#include "tests/simt/fiber.h"
#include "tests/simt/memory.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace giemsa::simt {

bool in_kernel = false;

namespace {

Order thread_order = Order::forward;
std::uint64_t shuffle_seed = 1;

// One grid at a time.
std::vector<Thread> threads;
Thread* running = nullptr;
void (*kernel)(const void*) = nullptr;
const void* kernel_call = nullptr;
std::string failure;  // what a fiber found wrong, for the scheduler to throw

uint3 coordinates(int i, kernels::Dim3 extent) {
  const auto at = [](int c) { return static_cast<unsigned>(c); };
  return {at(i % extent.x), at(i / extent.x % extent.y), at(i / extent.x / extent.y)};
}

std::string text(uint3 i) {
  return cat('(', i.x, ',', i.y, ',', i.z, ')');
}

std::string text(const Site& site) {
  return site.line() ? cat(site.file_name(), ':', site.line()) : std::string("the kernel's start");
}

std::string name(const Thread& thread, kernels::Dim3 block) {
  return "thread " + text(coordinates(thread.id, block));
}

bool same(const Site& a, const Site& b) {
  return a.line() == b.line() && (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

std::string doing(const Thread& thread) {
  switch (thread.status) {
    case Status::at_barrier:
      return "waits at the barrier " + text(thread.site);
    case Status::in_warp_operation:
      return cat("waits in ", thread.operation, " with mask 0x", std::hex, thread.mask, " at ", text(thread.site));
    case Status::finished:
      return "has left the kernel";
    case Status::ready:
      break;
  }
  return "runs";
}

void thread_main() {
  in_kernel = true;
  kernel(kernel_call);
  in_kernel = false;
  running->status = Status::finished;
  suspend_fiber();
}

std::vector<int> ordered(int count) {
  std::vector<int> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  if (thread_order == Order::reversed) std::reverse(order.begin(), order.end());
  if (thread_order == Order::shuffled) {
    test::Random random(shuffle_seed);  // not std::shuffle, whose result differs between libraries
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.bits() % i]);
  }
  return order;
}

void run_thread(Thread& thread, kernels::Dim3 block) {
  running = &thread;
  threadIdx = coordinates(thread.id, block);
  resume_fiber(thread.id);
  running = nullptr;
  if (failure.empty()) return;
  forget_stack_frames();
  throw Fault(std::exchange(failure, {}));
}

/// Nobody can run: lets all pass the barrier that all wait at, or says who waits in vain for whom.
void release_barrier(kernels::Dim3 block) {
  const auto in_vain = [&](const Thread& who, const Thread& whom) {
    forget_stack_frames();
    throw Fault(cat("block ", text(blockIdx), ' ', name(who, block), ' ', doing(who), ", but ", name(whom, block), ' ',
                    doing(whom)));
  };
  const Thread* first = nullptr;  // the first at a barrier
  for (const Thread& thread : threads) {
    if (thread.status == Status::at_barrier && !first) first = &thread;
    if (thread.status != Status::in_warp_operation) continue;
    for (const Thread& other : threads)
      if (other.warp() == thread.warp() && (thread.mask >> other.lane() & 1) &&
          !(other.status == Status::in_warp_operation && other.mask == thread.mask &&
            other.operation == thread.operation && same(other.site, thread.site)))
        in_vain(thread, other);
  }
  for (const Thread& thread : threads)
    if (thread.status != Status::at_barrier || !same(thread.site, first->site)) in_vain(*first, thread);
  for (Thread& thread : threads) thread.status = Status::ready;
  block_synchronised();
  count_barrier();
}

void run_block(const std::vector<int>& order, const kernels::Launch& how) {
  start_block();
  for (Thread& thread : threads) {
    thread = {.id = thread.id, .waited_for_previous = !how.overlap_previous};
    reset_fiber(thread.id, thread_main);
  }
  const auto finished = [](const Thread& thread) { return thread.status == Status::finished; };
  while (!std::all_of(threads.begin(), threads.end(), finished)) {
    bool progress = false;
    for (int id : order) {
      Thread& thread = threads[static_cast<std::size_t>(id)];
      if (thread.status != Status::ready) continue;
      run_thread(thread, how.block);
      progress = true;
    }
    if (!progress) release_barrier(how.block);
  }
  count_block_end();
}

void check_limits(const kernels::Launch& how, int thread_count) {
  const auto [grid, block] = std::pair(how.grid, how.block);
  // CUDA C++ Programming Guide, technical specifications per compute capability; 227 KB is that of 9.0.
  const bool fits = grid.x > 0 && grid.y > 0 && grid.z > 0 && grid.y < 65536 && grid.z < 65536 && block.x > 0 &&
                    block.y > 0 && block.z > 0 && block.z <= 64 && thread_count <= max_fibers &&
                    how.shared_bytes <= 227 << 10;
  if (!fits)
    throw Fault(cat("no device can launch a grid of ", grid.x, 'x', grid.y, 'x', grid.z, " blocks of ", block.x, 'x',
                    block.y, 'x', block.z, " threads with ", how.shared_bytes, " bytes of dynamic shared memory"));
}

}  // namespace

Thread& current_thread() {
  return *running;
}

void run(const kernels::Launch& how, void (*body)(const void*), const void* call) {
  const int thread_count = how.block.x * how.block.y * how.block.z;
  check_limits(how, thread_count);
  kernel = body;
  kernel_call = call;
  const auto extent = [](kernels::Dim3 d) {
    return dim3{static_cast<unsigned>(d.x), static_cast<unsigned>(d.y), static_cast<unsigned>(d.z)};
  };
  gridDim = extent(how.grid);
  blockDim = extent(how.block);
  set_dynamic_shared(how.shared_bytes);
  threads.assign(static_cast<std::size_t>(thread_count), {});
  for (int id = 0; id < thread_count; ++id) threads[static_cast<std::size_t>(id)].id = id;

  count_launch(how.grid.x * how.grid.y * how.grid.z, thread_count);
  const std::vector<int> order = ordered(thread_count);
  for (int block : ordered(how.grid.x * how.grid.y * how.grid.z)) {
    blockIdx = coordinates(block, how.grid);
    run_block(order, how);
  }
}

void fault(std::string what) {
  in_kernel = false;
  failure = cat("block ", text(blockIdx), " thread ", text(threadIdx), ", after ", text(running->site), ": ", what);
  std::string().swap(what);  // this stack is abandoned and its destructors never run
  for (;;) suspend_fiber();
}

void meet_block(Site site) {
  const Emulating emulating;
  running->site = site;
  running->status = Status::at_barrier;
  suspend_fiber();
}

void meet_warp(const char* operation, unsigned mask, void* operand, Site site, void (*combine)(Lanes, unsigned)) {
  const Emulating emulating;
  Thread& self = *running;
  self.operation = operation;
  self.mask = mask;
  self.operand = operand;
  self.site = site;
  if (!(mask >> self.lane() & 1)) fault(cat(operation, " with mask 0x", std::hex, mask, " by a lane outside it"));
  self.status = Status::in_warp_operation;

  void* operands[warp_size] = {};
  const auto first = static_cast<std::size_t>(self.id - self.lane());
  for (std::size_t lane = 0; lane < warp_size; ++lane) {
    if (!(mask >> lane & 1)) continue;
    if (first + lane >= threads.size())
      fault(cat(operation, " with mask 0x", std::hex, mask, " names lane ", std::dec, lane, ", which does not exist"));
    const Thread& other = threads[first + lane];
    if (other.status != Status::in_warp_operation || other.operation != operation || other.mask != mask ||
        !same(other.site, site))
      return suspend_fiber();  // the last to come will wake this one
    operands[lane] = other.operand;
  }
  combine(Lanes(operands), mask);
  count_meeting(mask);
  for (std::size_t lane = 0; lane < warp_size; ++lane)
    if (mask >> lane & 1) threads[first + lane].status = Status::ready;
}

void set_thread_order(Order order, std::uint64_t seed) {
  thread_order = order;
  shuffle_seed = seed;
}

void in_all_thread_orders(const std::function<void()>& test) {
  constexpr std::pair<Order, std::uint64_t> orders[] = {
      {Order::forward, 0},
      {Order::reversed, 0},
      {Order::shuffled, 1},
      {Order::shuffled, 2}};
  for (const auto& [order, seed] : orders) {
    set_thread_order(order, seed);
    test();
  }
  set_thread_order(Order::forward);
}

}  // namespace giemsa::simt
