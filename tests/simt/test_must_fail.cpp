// Kernels with a defect each: the emulator has to find it, in every thread order, and say what it is.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <limits>
#include <string>

#include "kernels/device.h"
#include "kernels/mma.h"
#include "tests/kernels/device_buffer.h"
#include "tests/simt/fault.h"

namespace giemsa::kernels {

namespace {

using test::DeviceBuffer;

/// Launches one block of `threads` threads in every order; each has to fault with `what` in the message.
template <class... Parameters>
void check_faults(const std::string& what, void (*kernel)(Parameters...), const Launch& how,
                  std::type_identity_t<Parameters>... arguments) {
  simt::in_all_thread_orders([&] {
    std::string message = "no fault";
    try {
      launch(kernel, how, arguments...);
    } catch (const simt::Fault& fault) {
      message = fault.what();
    }
    CHECK_MESSAGE(message.find(what) != std::string::npos, "expected '", what, "', got '", message, "'");
  });
}

// ---- races ----

__global__ void neighbour_without_barrier(int* out) {
  __shared__ Shared<int, 64> values;
  const int i = static_cast<int>(threadIdx.x);
  values[i] = 0;
  sync_block();
  values[i] = i;
  out[i] = values[(i + 1) % 64];
}

__global__ void neighbour_with_warp_barrier_only(int* out) {
  __shared__ Shared<int, 64> values;
  const int i = static_cast<int>(threadIdx.x);
  values[i] = 0;
  sync_block();
  values[i] = i;
  sync_warp();
  out[i] = values[(i + 1) % 64];  // lane 31 reads from the other warp
}

__global__ void overwrite_what_others_read(int* out) {
  __shared__ Shared<int, 64> values;
  const int i = static_cast<int>(threadIdx.x);
  values[i] = i;
  sync_block();
  out[i] = values[0] + values[63 - i];
  values[i] = 0;
}

__global__ void same_byte_from_two_threads() {
  __shared__ Shared<std::uint8_t, 4> flag;
  flag[0] = 1;
}

__global__ void shuffle_instead_of_barrier(int* out) {
  __shared__ Shared<int, 32> values;
  const int i = static_cast<int>(threadIdx.x);
  values[i] = 0;
  sync_block();
  values[i] = i;
  const int sum = shuffle_xor(i, 1);
  out[i] = sum + values[i ^ 1];
}

__global__ void half_of_the_warp_meets(int* out) {
  __shared__ Shared<int, 32> values;
  const int i = static_cast<int>(threadIdx.x);
  values[i] = 0;
  sync_block();
  values[i] = i;
  if (i < 16)
    sync_warp(0x0000ffffu);
  else
    sync_warp(0xffff0000u);
  out[i] = values[31 - i];
}

__global__ void plain_read_beside_atomics(int* out) {
  __shared__ Shared<int, 1> sum;
  if (threadIdx.x == 0) sum[0] = 0;
  sync_block();
  atomic_add(&sum[0], 1);
  out[threadIdx.x] = sum[0];
}

// ---- reads of what nobody wrote ----

__global__ void uninitialised(int* out) {
  __shared__ Shared<int, 32> values;
  const int i = static_cast<int>(threadIdx.x);
  if (i != 7) values[i] = i;
  sync_block();
  out[i] = values[i];
}

__global__ void value_of_the_block_before(int* out) {
  int* values = dynamic_shared<int>();
  const int i = static_cast<int>(threadIdx.x);
  if (blockIdx.x == 1) values[i] = i;
  sync_block();
  out[blockIdx.x * 32 + threadIdx.x] = values[i];
}

// ---- accesses outside ----

__global__ void shared_read_behind(int* out) {
  __shared__ Shared<int, 32> values;
  const int i = static_cast<int>(threadIdx.x);
  values[i] = i;
  sync_block();
  out[i] = values.data()[i + 1];
}
__global__ void shared_write_before() {
  __shared__ Shared<int, 32> values;
  values.data()[static_cast<int>(threadIdx.x) - 1] = 0;
}
__global__ void dynamic_write_behind() {
  dynamic_shared<std::uint8_t>()[threadIdx.x] = 0;
}
__global__ void global_read_behind(int* out, const int* in) {
  out[threadIdx.x] = in[threadIdx.x + 1];
}
__global__ void global_write_behind(int* out) {
  out[threadIdx.x + 1] = 0;
}
__global__ void global_write_before(int* out) {
  *(out + threadIdx.x - 1) = 0;
}
__global__ void vector_read_behind(int* out, const int* in) {
  store(out, load<4>(in + 4 * threadIdx.x));
}
__global__ void misaligned(int* out, const int* in) {
  out[threadIdx.x] = load<4>(in + 1)[0];
}

// ---- divergence ----

__global__ void barrier_after_early_exit() {
  if (threadIdx.x == 3) return;
  sync_block();
}
__global__ void two_barriers() {
  if (threadIdx.x < 32) {
    sync_block();
  } else {
    sync_block();
  }
}
__global__ void barrier_against_warp_barrier() {
  if (threadIdx.x == 0) {
    sync_block();
  } else {
    sync_warp();
  }
}
__global__ void shuffle_after_exit(int* out) {
  if (threadIdx.x == 31) return;
  out[threadIdx.x] = shuffle(static_cast<int>(threadIdx.x), 0);
}
__global__ void masks_disagree(unsigned* out) {
  out[threadIdx.x] = ballot(true, threadIdx.x < 16 ? full_mask : 0xffff0000u);
}
__global__ void lane_outside_its_mask(unsigned* out) {
  out[threadIdx.x] = ballot(true, 0x7fffffffu);
}
__global__ void shuffle_from_absent_lane(int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = shuffle(1, 20, 0x0000ffffu);
}
__global__ void multiply_in_half_a_warp(float* out) {
  if (threadIdx.x >= 16) return;
  float d[4] = {};
  mma_m16n8k8(d, 0, 0, 0);
  out[threadIdx.x] = d[0];
}

// ---- asynchronous copies ----

__global__ void copy_without_wait(int* out, const int* in) {
  __shared__ Shared<int, 32> values;
  const int i = static_cast<int>(threadIdx.x);
  copy_async<4>(&values[i], in + i);
  commit_copies();
  sync_block();
  out[i] = values[i];
}
__global__ void copy_waiting_for_too_few(int* out, const int* in) {
  __shared__ Shared<int, 2, 32> values;
  const int i = static_cast<int>(threadIdx.x);
  for (int stage = 0; stage < 2; ++stage) {
    copy_async<4>(&values[stage][i], in + i);
    commit_copies();
  }
  wait_copies<1>();
  out[i] = values[0][i] + values[1][i];
}
__global__ void copy_without_commit(int* out, const int* in) {
  __shared__ Shared<int, 32> values;
  const int i = static_cast<int>(threadIdx.x);
  copy_async<4>(&values[i], in + i);
  wait_copies<0>();
  out[i] = values[i];
}
__global__ void copy_without_barrier(int* out, const int* in) {
  __shared__ Shared<int, 32> values;
  const int i = static_cast<int>(threadIdx.x);
  copy_async<4>(&values[i], in + i);
  commit_copies();
  wait_copies<0>();
  out[i] = values[i ^ 1];
}
__global__ void copy_over_what_others_read(int* out, const int* in) {
  __shared__ Shared<int, 32> values;
  const int i = static_cast<int>(threadIdx.x);
  values[i] = i;
  sync_block();
  out[i] = values[i ^ 1];
  copy_async<4>(&values[i], in + i);
}
__global__ void copy_from_behind(const int* in) {
  __shared__ Shared<int, 32> values;
  copy_async<4>(&values[static_cast<int>(threadIdx.x)], in + threadIdx.x + 1);
}

// ---- undefined behaviour ----

__global__ void overflow(int* out, const int* in) {
  out[threadIdx.x] = in[0] + 1;
}
__global__ void shift_too_far(int* out, const int* in) {
  out[threadIdx.x] = 1 << (in[0] >> 25);  // by 63
}
__global__ void index_behind_registers(int* out, const int* in) {
  int values[4] = {1, 2, 3, 4};
  out[threadIdx.x] = values[in[0] >> 28];  // 7
}

/// What a program that launches `kernel` on the largest int writes as it ends, which has to be by a failure.
std::string last_words(void (*kernel)(int*, const int*)) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    const std::vector<int> largest{std::numeric_limits<int>::max()};
    DeviceBuffer<int> out(1), in{std::span(largest)};
    launch(kernel, {.block = {1}}, out.data(), in.data());
    _exit(0);
  }
  close(ends[1]);
  std::string words;
  char block[512];
  for (ssize_t bytes; (bytes = read(ends[0], block, sizeof block)) > 0;)
    words.append(block, static_cast<std::size_t>(bytes));
  close(ends[0]);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(status != 0);
  return words;
}

// ---- the rest ----

__global__ void write_before_previous_kernel(int* out) {
  out[threadIdx.x] = 1;
  wait_for_previous_kernel();
}
__global__ void host_memory(int* out, const int* in) {
  out[threadIdx.x] = in[0];
}
__global__ void nothing() {}
__global__ void last_thread_wins(int* out) {
  *out = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
}

}  // namespace

TEST_CASE("must fail: races on shared memory") {
  DeviceBuffer<int> out(64);
  check_faults("race", neighbour_without_barrier, {.block = {64}}, out.data());
  check_faults("race", neighbour_with_warp_barrier_only, {.block = {64}}, out.data());
  check_faults("race", overwrite_what_others_read, {.block = {64}}, out.data());
  check_faults("race", same_byte_from_two_threads, {.block = {2}});
  check_faults("race", shuffle_instead_of_barrier, {.block = {32}}, out.data());
  check_faults("race", half_of_the_warp_meets, {.block = {32}}, out.data());
  check_faults("race", plain_read_beside_atomics, {.block = {64}}, out.data());
}

TEST_CASE("must fail: shared memory that nobody wrote") {
  DeviceBuffer<int> out(64);
  check_faults("byte 28 of a shared array of 128 bytes is read but was never written", uninitialised, {.block = {32}},
               out.data());
  check_faults("never written", value_of_the_block_before, {.grid = {2}, .block = {32}, .shared_bytes = 128},
               out.data());
}

TEST_CASE("must fail: accesses outside an array") {
  DeviceBuffer<int> out(32), in(32);
  check_faults("reads 4 bytes at offset 128 of a shared array of 128 bytes", shared_read_behind, {.block = {32}},
               out.data());
  check_faults("writes 4 bytes at offset -4 of a shared array", shared_write_before, {.block = {32}});
  check_faults("writes 1 bytes at offset 99 of a shared array of 99 bytes", dynamic_write_behind,
               {.block = {100}, .shared_bytes = 99});
  check_faults("reads 4 bytes at offset 128 of a global buffer of 128 bytes", global_read_behind, {.block = {32}},
               out.data(), in.data());
  check_faults("writes 4 bytes at offset 128 of a global buffer", global_write_behind, {.block = {32}}, out.data());
  check_faults("writes 4 bytes at offset -4 of a global buffer", global_write_before, {.block = {32}}, out.data());
  DeviceBuffer<int> three(3);
  check_faults("reads 16 bytes at offset 0 of a global buffer of 12 bytes", vector_read_behind, {.block = {1}},
               out.data(), three.data());
  check_faults("is not aligned", misaligned, {.block = {1}}, out.data(), in.data());
}

TEST_CASE("must fail: divergent barriers and warp operations") {
  DeviceBuffer<int> out(64);
  DeviceBuffer<unsigned> votes(32);
  DeviceBuffer<float> product(32);
  check_faults("thread (3,0,0) has left the kernel", barrier_after_early_exit, {.block = {64}});
  check_faults("waits at the barrier", two_barriers, {.block = {64}});
  check_faults("waits in sync_warp", barrier_against_warp_barrier, {.block = {32}});
  check_faults("thread (31,0,0) has left the kernel", shuffle_after_exit, {.block = {32}}, out.data());
  check_faults("waits in a vote with mask 0xffffffff", masks_disagree, {.block = {32}}, votes.data());
  check_faults("a lane outside it", lane_outside_its_mask, {.block = {32}}, votes.data());
  check_faults("lane 20, which does not take part", shuffle_from_absent_lane, {.block = {32}}, out.data());
  check_faults("waits in mma_m16n8k8", multiply_in_half_a_warp, {.block = {32}}, product.data());
  check_faults("names lane 8, which does not exist", shuffle_after_exit, {.block = {8}}, out.data());
}

TEST_CASE("must fail: asynchronous copies") {
  DeviceBuffer<int> out(32), in(32);
  check_faults("wait_copies() is missing", copy_without_wait, {.block = {32}}, out.data(), in.data());
  check_faults("wait_copies() is missing", copy_waiting_for_too_few, {.block = {32}}, out.data(), in.data());
  check_faults("wait_copies() is missing", copy_without_commit, {.block = {32}}, out.data(), in.data());
  check_faults(" of a shared array of 128 bytes is ", copy_without_barrier, {.block = {32}}, out.data(), in.data());
  check_faults(" of a shared array of 128 bytes is ", copy_over_what_others_read, {.block = {32}}, out.data(),
               in.data());
  check_faults("offset 128 of a global buffer", copy_from_behind, {.block = {32}}, in.data());
}

TEST_CASE("must fail: launches and pointers") {
  DeviceBuffer<int> out(32);
  const std::vector<int> host(1);
  check_faults("before wait_for_previous_kernel()", write_before_previous_kernel,
               {.block = {32}, .overlap_previous = true}, out.data());
  check_faults("no device memory", host_memory, {.block = {1}}, out.data(), host.data());
  check_faults("no device can launch", nothing, {.grid = {0}, .block = {32}});
  check_faults("no device can launch", nothing, {.block = {1025}});
  check_faults("no device can launch", nothing, {.block = {32}, .shared_bytes = (227 << 10) + 1});
}

// UndefinedBehaviorSanitizer finds it, not the emulator.
TEST_CASE("must fail: undefined behaviour ends the program") {
  const auto check_ends = [](const std::string& what, void (*kernel)(int*, const int*)) {
    const std::string words = last_words(kernel);
    CHECK_MESSAGE(words.find(what) != std::string::npos, "expected '", what, "', got '", words, "'");
  };
  check_ends("signed integer overflow", overflow);
  check_ends("shift exponent 63 is too large", shift_too_far);
  check_ends("index 7 out of bounds", index_behind_registers);
}

TEST_CASE("must fail: a result that depends on the order of threads and blocks differs between orders") {
  DeviceBuffer<int> out(1);
  const auto winner_in = [&](simt::Order order, std::uint64_t seed = 1) {
    simt::set_thread_order(order, seed);
    launch(last_thread_wins, {.grid = {100}, .block = {100}}, out.data());
    simt::set_thread_order(simt::Order::forward);
    return out.values()[0];
  };
  CHECK_EQ(winner_in(simt::Order::forward), 9999);
  CHECK_EQ(winner_in(simt::Order::reversed), 0);
  CHECK(winner_in(simt::Order::shuffled, 1) != winner_in(simt::Order::shuffled, 2));
}

TEST_CASE("after a fault the emulator goes on") {
  DeviceBuffer<int> out(64);
  check_faults("race", neighbour_without_barrier, {.block = {64}}, out.data());
  launch(nothing, {.grid = {2}, .block = {64}});
}

}  // namespace giemsa::kernels
