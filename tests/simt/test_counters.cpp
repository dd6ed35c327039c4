// The counters, against counts made by hand.
#include "tests/simt/counters.h"

#include <doctest/doctest.h>

#include "kernels/device.h"
#include "kernels/mma.h"
#include "tests/kernels/device_buffer.h"
#include "tests/simt/fault.h"

namespace giemsa::kernels {

namespace {

using simt::Counts;
using test::DeviceBuffer;

/// What one block of `threads` threads asks for, the same in every thread order.
template <class... Parameters>
Counts counts_of(void (*kernel)(Parameters...), int threads, std::type_identity_t<Parameters>... arguments) {
  Counts first;
  bool same = true;
  simt::in_all_thread_orders([&] {
    const simt::Counting counting;
    launch(kernel, {.block = {threads}}, arguments...);
    if (first.launches == 0) first = counting.sum();
    same = same && counting.sum() == first;
  });
  CHECK_MESSAGE(same, "other counts in another thread order");
  CHECK_EQ(first.launches, 1);
  CHECK_EQ(first.blocks, 1);
  CHECK_EQ(first.warps, (threads + 31) / 32);
  return first;
}

void check_traffic(const Counts::Traffic& traffic, std::int64_t instructions, std::int64_t sectors,
                   std::int64_t useful_bytes) {
  CHECK_EQ(traffic.instructions, instructions);
  CHECK_EQ(traffic.sectors, sectors);
  CHECK_EQ(traffic.useful_bytes, useful_bytes);
}

// ---- global memory ----

__global__ void read_strided(float* out, const float* in, int offset, int stride) {
  const int i = static_cast<int>(threadIdx.x);
  out[i] = in[offset + i * stride];
}

__global__ void read_by_vectors(float* out, const float* in) {
  const int i = static_cast<int>(threadIdx.x);
  out[i] = load<4>(in + 4 * i)[3];
}

__global__ void read_halves(Half* out, const Half* in) {
  out[threadIdx.x] = load_constant<1>(in + threadIdx.x)[0];
}

// Lane i takes i + 1 rounds.
__global__ void read_in_rounds(float* out, const float* in) {
  const int i = static_cast<int>(threadIdx.x);
  float sum = 0;
  for (int round = 0; round <= i; ++round) sum += in[round * 32 + i];
  out[i] = sum;
}

__attribute__((noinline)) float sum_of_first(const float* in, int count) {
  float sum = 0;
  for (int round = 0; round < count; ++round) sum += in[round];
  return sum;
}

// Lane i reads i + 1 values in the first call and 32 - i in the second: both begin with all lanes.
__global__ void read_in_calls(float* out, const float* in) {
  const int i = static_cast<int>(threadIdx.x);
  float sum = 0;
  for (int call = 0; call < 2; ++call) sum += sum_of_first(in, call == 0 ? i + 1 : 32 - i);
  out[i] = sum;
}

// ---- shared memory ----

__global__ void read_shared(float* out, int stride) {
  __shared__ Shared<float, 1024> values;
  const int i = static_cast<int>(threadIdx.x);
  for (int k = i; k < 1024; k += 32) values[k] = 0;
  sync_block();
  out[i] = values[i * stride];
}

__global__ void read_shared_vectors(float* out, int stride) {
  __shared__ Shared<float, 1024> values;
  const int i = static_cast<int>(threadIdx.x);
  for (int k = i; k < 1024; k += 32) values[k] = 0;
  sync_block();
  out[i] = load<4>(values.data() + i * stride)[0];
}

/// Wavefronts of the last read alone: the stores before are 32, without conflicts.
Counts::Wavefronts last_read(void (*kernel)(float*, int), int stride) {
  DeviceBuffer<float> out(32);
  const Counts counts = counts_of(kernel, 32, out.data(), stride);
  return {counts.shared.instructions - 32, counts.shared.wavefronts - 32, counts.shared.least - 32};
}

// ---- the rest ----

__global__ void meet_and_add(int* sums) {
  __shared__ Shared<int, 1> sum;
  if (threadIdx.x == 0) sum[0] = 0;
  sync_block();
  if (threadIdx.x % 2 == 0) atomic_add(&sum[0], 1);
  sync_block();
  atomic_max(sums, shuffle_xor(3, 1));
  sync_warp();
}

template <int row>
__global__ void multiply(float* out) {
  __shared__ Shared<Half, 16 * row> matrix;
  const int lane = static_cast<int>(threadIdx.x);
  for (int i = lane; i < 16 * row; i += 32) matrix[i] = to_half(1);
  sync_block();
  unsigned a[4], b[2];
  load_matrices(a, matrix.data() + lane % 16 * row + lane / 16 * 8);
  load_matrices(b, matrix.data() + lane % 8 * row);
  float sums[4] = {};
  mma_m16n8k16(sums, a, b);
  out[lane] = sums[0];
}

__global__ void copy_asynchronously(float* out, const float* in) {
  __shared__ Shared<float, 128> values;
  const int i = static_cast<int>(threadIdx.x);
  copy_async<16>(values.data() + 4 * i, in + 4 * i, i < 24);
  commit_copies();
  wait_copies<0>();
  out[i] = values[4 * i];
}

}  // namespace

TEST_CASE("counters: sectors of global memory") {
  DeviceBuffer<float> in{std::vector<float>(2048)}, out(64);
  const auto read = [&](int threads, int offset, int stride) {
    return counts_of(read_strided, threads, out.data(), in.data(), offset, stride);
  };
  check_traffic(read(32, 0, 1).read, 1, 4, 128);  // side by side
  check_traffic(read(32, 0, 1).write, 1, 4, 128);
  check_traffic(read(32, 1, 1).read, 1, 5, 128);    // not aligned
  check_traffic(read(32, 0, 2).read, 1, 8, 128);    // every second: half of each sector
  check_traffic(read(32, 0, 8).read, 1, 32, 128);   // a sector each
  check_traffic(read(32, 0, 32).read, 1, 32, 128);  // no worse
  check_traffic(read(32, 7, 0).read, 1, 1, 4);      // all the same
  check_traffic(read(40, 0, 1).read, 2, 5, 160);    // a warp of eight lanes
  check_traffic(counts_of(read_by_vectors, 32, out.data(), in.data()).read, 1, 16, 512);
  DeviceBuffer<Half> halves{std::vector<Half>(32)}, copy(32);
  check_traffic(counts_of(read_halves, 32, copy.data(), halves.data()).read, 1, 2, 64);
}

TEST_CASE("counters: rounds that lanes take in different number") {
  DeviceBuffer<float> in{std::vector<float>(2048)}, out(32);
  // Round r is made by lanes r..31: 32 - r floats in a row, in as many sectors as those take from their end.
  check_traffic(counts_of(read_in_rounds, 32, out.data(), in.data()).read, 32, 8 * (4 + 3 + 2 + 1), 4 * 528);
  // Each round of each call reads one value, whoever takes part.
  check_traffic(counts_of(read_in_calls, 32, out.data(), in.data()).read, 64, 64, 64 * 4);
}

TEST_CASE("counters: bank conflicts") {
  const auto wavefronts = [](std::int64_t n, std::int64_t least) { return Counts::Wavefronts{1, n, least}; };
  CHECK_EQ(last_read(read_shared, 1), wavefronts(1, 1));
  CHECK_EQ(last_read(read_shared, 0), wavefronts(1, 1));  // one word for all
  CHECK_EQ(last_read(read_shared, 2), wavefronts(2, 1));
  CHECK_EQ(last_read(read_shared, 3), wavefronts(1, 1));
  CHECK_EQ(last_read(read_shared, 8), wavefronts(8, 1));
  CHECK_EQ(last_read(read_shared, 31), wavefronts(1, 1));
  CHECK_EQ(last_read(read_shared, 32), wavefronts(32, 1));
  // 16 bytes per lane: eight lanes at once fill the banks where they are neighbours.
  CHECK_EQ(last_read(read_shared_vectors, 4), wavefronts(4, 4));
  CHECK_EQ(last_read(read_shared_vectors, 8), wavefronts(8, 4));
  CHECK_EQ(last_read(read_shared_vectors, 0), wavefronts(4, 4));
  CHECK_EQ(last_read(read_shared_vectors, 32), wavefronts(32, 4));
}

TEST_CASE("counters: barriers, atomics, warp operations") {
  DeviceBuffer<int> sums{std::vector<int>(1)};
  const Counts counts = counts_of(meet_and_add, 64, sums.data());
  CHECK_EQ(counts.barriers, 2);
  CHECK_EQ(counts.shared_atomics, 32);
  CHECK_EQ(counts.global_atomics, 64);
  CHECK_EQ(counts.warp_operations, 4);
}

TEST_CASE("counters: matrices") {
  DeviceBuffer<float> out(32);
  const auto shared = [&](const Counts& counts, std::int64_t stores) {
    return Counts::Wavefronts{counts.shared.instructions - stores, counts.shared.wavefronts - stores,
                              counts.shared.least - stores};
  };
  const Counts dense = counts_of(multiply<16>, 32, out.data());
  CHECK_EQ(dense.matrix_products, 1);
  CHECK_EQ(dense.warp_operations, 0);
  // Rows of 32 bytes: every fourth begins in the same bank, so each of the 4 + 2 matrices takes two wavefronts.
  CHECK_EQ(shared(dense, 8), Counts::Wavefronts{2, 12, 6});
  // Rows of 48 bytes: 12 words apart, eight rows in different banks.
  CHECK_EQ(shared(counts_of(multiply<24>, 32, out.data()), 12), Counts::Wavefronts{2, 6, 6});
}

TEST_CASE("counters: asynchronous copies read global and write shared memory") {
  DeviceBuffer<float> in{std::vector<float>(128)}, out(32);
  const Counts counts = counts_of(copy_asynchronously, 32, out.data(), in.data());
  check_traffic(counts.read, 1, 12, 24 * 16);                    // lanes that take nothing read nothing
  CHECK_EQ(counts.shared, Counts::Wavefronts{2, 4 + 4, 4 + 1});  // the read's lanes are 16 bytes apart: four in a bank
}

TEST_CASE("counters: launches one by one, fills, what the host waits for; nothing while nobody counts") {
  DeviceBuffer<float> in{std::vector<float>(64)}, out(64);
  const auto start = [&](int blocks) {
    launch(read_strided, {.grid = {blocks}, .block = {32}}, out.data(), in.data(), 0, 1);
  };
  start(1);
  const simt::Counting counting;
  fill_bytes(out.data(), 0, 4, nullptr);
  start(1);
  start(2);
  float first = 1;
  read_back(&first, in.data(), sizeof first, nullptr);
  REQUIRE_EQ(counting.launches().size(), 3);
  CHECK_EQ(counting.launches()[0].fills, 1);
  CHECK_EQ(counting.launches()[1].blocks, 1);
  CHECK_EQ(counting.launches()[2].read.sectors, 8);
  CHECK_EQ(counting.sum().launches, 2);
  CHECK_EQ(counting.sum().host_reads, 1);
  CHECK_THROWS(simt::Counting());
}

TEST_CASE("counters: a kernel that was stopped leaves nothing behind") {
  DeviceBuffer<float> in{std::vector<float>(64)}, out(64);
  const simt::Counting counting;
  CHECK_THROWS_AS(launch(read_strided, {.block = {32}}, out.data(), in.data(), 63, 1), simt::Fault);
  launch(read_strided, {.block = {32}}, out.data(), in.data(), 0, 1);
  check_traffic(counting.launches()[1].read, 1, 4, 128);
}

}  // namespace giemsa::kernels
