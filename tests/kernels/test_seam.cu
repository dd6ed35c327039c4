// Correct kernels of every kind that ours are made of: the emulator has to run them in every thread order, find
// nothing, and compute what they compute.
#include <doctest/doctest.h>

#include <numeric>

#include "engine/base/tensor.h"
#include "kernels/device.h"
#include "kernels/mma.h"
#include "tests/kernels/device_buffer.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/random.h"

namespace giemsa::kernels {

namespace {

using test::DeviceBuffer;
using test::in_all_thread_orders;
using test::Random;

// A block of up to 1024 threads sums its stretch: shuffles within warps, then shared memory between them.
__global__ void block_sum(int* sums, const int* in, int count) {
  __shared__ Shared<int, 32> of_warp;
  const int thread = static_cast<int>(threadIdx.x), i = static_cast<int>(blockIdx.x * blockDim.x) + thread;
  int sum = i < count ? in[i] : 0;
  for (int delta = 16; delta > 0; delta /= 2) sum += shuffle_down(sum, delta);
  if (thread % warp_size == 0) of_warp[thread / warp_size] = sum;
  sync_block();
  if (thread >= warp_size) return;
  sum = thread < static_cast<int>(blockDim.x) / warp_size ? of_warp[thread] : 0;
  for (int bits = 16; bits > 0; bits /= 2) sum += shuffle_xor(sum, bits);
  if (thread == 0) sums[blockIdx.x] = sum;
}

__global__ void warp_scan(int* out, const int* in) {
  int sum = in[threadIdx.x];
  for (int delta = 1; delta < warp_size; delta *= 2) {
    const int below = shuffle_up(sum, delta);
    if (static_cast<int>(threadIdx.x) % warp_size >= delta) sum += below;
  }
  out[threadIdx.x] = sum;
}

// The same through shared memory and warp barriers, each warp on its own.
__global__ void warp_scan_in_shared(int* out, const int* in) {
  int* sums = dynamic_shared<int>();
  const int thread = static_cast<int>(threadIdx.x), lane = thread % warp_size;
  sums[thread] = in[thread];
  sync_warp();
  for (int delta = 1; delta < warp_size; delta *= 2) {
    const int below = lane >= delta ? sums[thread - delta] : 0;
    sync_warp();
    sums[thread] += below;
    sync_warp();
  }
  out[thread] = sums[thread];
}

// A block of 32x8 threads transposes a tile of 32x32.
__global__ void transpose(float* out, const float* in, int h, int w) {
  __shared__ Shared<float, 32, 33> tile;
  const int tx = static_cast<int>(threadIdx.x), ty = static_cast<int>(threadIdx.y);
  const int x0 = static_cast<int>(blockIdx.x) * 32, y0 = static_cast<int>(blockIdx.y) * 32;
  for (int j = ty; j < 32; j += 8)
    if (y0 + j < h && x0 + tx < w) tile[j][tx] = in[(y0 + j) * w + x0 + tx];
  sync_block();
  for (int j = ty; j < 32; j += 8)
    if (x0 + j < w && y0 + tx < h) out[(x0 + j) * h + y0 + tx] = tile[tx][j];
}

__global__ void histogram(unsigned* bins, const std::uint8_t* in, int count) {
  __shared__ Shared<unsigned, 256> local;
  for (int i = static_cast<int>(threadIdx.x); i < 256; i += static_cast<int>(blockDim.x)) local[i] = 0;
  sync_block();
  const int step = static_cast<int>(gridDim.x * blockDim.x);
  for (int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); i < count; i += step)
    atomic_add(&local[in[i]], 1);
  sync_block();
  for (int i = static_cast<int>(threadIdx.x); i < 256; i += static_cast<int>(blockDim.x))
    atomic_add(&bins[i], local[i]);
}

// A warp copies rows of 128 ints ahead of their use, two stages in flight, and sums the columns.
__global__ void pipelined_column_sums(int* out, const int* in, int rows) {
  __shared__ Shared<int, 2, 128> stages;
  const int thread = static_cast<int>(threadIdx.x);
  const auto fetch = [&](int row) {
    copy_async<16>(&stages[row % 2][4 * thread], in + (row < rows ? row : 0) * 128 + 4 * thread, row < rows);
    commit_copies();
  };
  int sums[4] = {};
  fetch(0);
  for (int row = 0; row < rows; ++row) {
    fetch(row + 1);
    wait_copies<1>();
    sync_block();
    for (int i = 0; i < 4; ++i) sums[i] += stages[row % 2][32 * i + thread];
    sync_block();
  }
  for (int i = 0; i < 4; ++i) out[32 * i + thread] = sums[i];
  wait_copies<0>();
  sync_block();
  for (int i = 0; i < 4; ++i) out[32 * i + thread] += stages[rows % 2][32 * i + thread];  // zeros: not taken
}

// One warp: d = a b with a {16,16}, b {16,8} (k rows) through load_matrices, as GEMM kernels do. `depth` is 16 or 8;
// with 8 the instruction of half the depth runs twice.
__global__ void tile_product(float* d, const Half* a, const Half* b, int depth) {
  __shared__ Shared<Half, 16, 24> sa;  // rows padded to 48 bytes: 8 rows fall into different banks
  __shared__ Shared<Half, 16, 8> sb;
  const int lane = static_cast<int>(threadIdx.x), g = lane / 4, t = lane % 4;
  store(&sa[lane % 16][lane / 16 * 8], load<8>(a + lane % 16 * 16 + lane / 16 * 8));
  store(sb.data() + 4 * lane, load<4>(b + 4 * lane));
  sync_warp();
  unsigned fa[4], fb[2];
  load_matrices(fa, &sa[lane % 16][lane / 16 * 8]);
  load_matrices_transposed(fb, &sb[lane % 16][0]);
  float sums[4] = {};
  if (depth == 16) {
    mma_m16n8k16(sums, fa, fb);
  } else {
    mma_m16n8k8(sums, fa[0], fa[1], fb[0]);
    mma_m16n8k8(sums, fa[2], fa[3], fb[1]);
  }
  for (int i = 0; i < 4; ++i) d[(g + 8 * (i / 2)) * 8 + 2 * t + i % 2] = sums[i];
}

// The fragments as the PTX ISA lists them, read from plain memory.
__global__ void load_fragments(unsigned* out, const Half* matrices, int transposed) {
  __shared__ Shared<Half, 4, 8, 8> shared;
  const int lane = static_cast<int>(threadIdx.x);
  store(shared.data() + 8 * lane, load<8>(matrices + 8 * lane));
  sync_warp();
  unsigned one[1], two[2], four[4];
  const Half* row = shared.data() + 8 * lane;
  if (transposed) {
    load_matrices_transposed(one, row);
    load_matrices_transposed(two, row);
    load_matrices_transposed(four, row);
  } else {
    load_matrices(one, row);
    load_matrices(two, row);
    load_matrices(four, row);
  }
  const unsigned all[] = {one[0], two[0], two[1], four[0], four[1], four[2], four[3]};
  for (int i = 0; i < 7; ++i) out[7 * lane + i] = all[i];
}

__global__ void votes(unsigned* out) {
  const unsigned lane = threadIdx.x;
  const bool odd = lane % 2 != 0;
  unsigned* mine = out + 6 * lane;
  mine[0] = ballot(odd);
  mine[1] = any_lane(lane == 40) ? 1 : 0;
  mine[2] = all_lanes(lane < 32) ? 1 : 0;
  mine[3] = match_lanes(lane / 8);
  mine[4] = lane < 4 ? ballot(lane > 1, 0xf) : 0;
  mine[5] = shuffle(lane * lane, 5);
}

template <class T>
__global__ void atomics(T* values) {
  const auto i = static_cast<T>(threadIdx.x);
  atomic_add(values, i);
  atomic_min(values + 1, i);
  atomic_max(values + 2, i);
  atomic_or(values + 3, static_cast<T>(T{1} << threadIdx.x % 31));
  atomic_exchange(values + 4, T{7});
  if (atomic_compare_exchange(values + 5, T{0}, T{9}) == T{0}) atomic_add(values + 6, T{1});
}

__global__ void neighbour_of_previous(int* out, const int* in) {
  let_next_kernel_start();
  wait_for_previous_kernel();
  out[threadIdx.x] = in[threadIdx.x] + 1;
}

// One thread. `nan` and `zero` are arguments so that nothing is computed by the compiler.
__global__ void arithmetic(float* out, float nan, unsigned zero) {
  const Half2 a{{to_half(1.5f), to_half(-2.0f)}}, b{{to_half(0.5f), to_half(nan)}};
  *out++ = to_float(add(a, b)[0]);
  *out++ = to_float(multiply(a, a)[1]);
  *out++ = to_float(multiply_add(a, a, a)[1]);
  *out++ = to_float(maximum(a, b)[1]);
  *out++ = to_float(to_half(65520.0f));         // above the largest by half a unit
  *out++ = to_float(to_bfloat16(1.00390625f));  // a tie, to even
  *out++ = static_cast<float>(count_ones(zero | 0xf0f0u));
  *out++ = static_cast<float>(count_leading_zeros(zero));
  *out++ = static_cast<float>(count_leading_zeros(zero | 1));
  *out++ = static_cast<float>(find_first_set(zero));
  *out++ = static_cast<float>(find_first_set(zero | 8));
  *out++ = static_cast<float>(reverse_bits(zero | 3));
  *out++ = static_cast<float>(ceil_div(9, 4));
}

std::vector<Half> random_halves(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<Half> values;
  for (std::size_t i = 0; i < count; ++i)
    values.push_back({f32_to_f16(static_cast<float>(random.bits() % 33) / 8 - 2)});
  return values;  // sums of 16 products of multiples of 1/8 are exact
}

}  // namespace

TEST_CASE("must pass: block reduction") {
  std::vector<int> in(1000);
  std::iota(in.begin(), in.end(), -300);
  in_all_thread_orders([&] {
    for (int threads : {32, 96, 1024}) {
      const int blocks = ceil_div(1000, threads);
      DeviceBuffer<int> source{std::span<const int>(in)}, sums(blocks);
      launch(block_sum, {.grid = {blocks}, .block = {threads}}, sums.data(), source.data(), 1000);
      const std::vector<int> parts = sums.values();
      CHECK_EQ(std::accumulate(parts.begin(), parts.end(), 0), std::accumulate(in.begin(), in.end(), 0));
    }
  });
}

TEST_CASE("must pass: warp scan, by shuffles and through shared memory") {
  const std::vector<int> in = Random(3).integers<int>(96);
  std::vector<int> small, expected;
  for (int value : in) small.push_back(value % 1000);
  for (std::size_t i = 0; i < 96; ++i) expected.push_back(small[i] + (i % 32 ? expected.back() : 0));
  in_all_thread_orders([&] {
    DeviceBuffer<int> source{std::span<const int>(small)}, out(96);
    launch(warp_scan, {.block = {96}}, out.data(), source.data());
    CHECK_EQ(out.values(), expected);
    launch(warp_scan_in_shared, {.block = {96}, .shared_bytes = 96 * sizeof(int)}, out.data(), source.data());
    CHECK_EQ(out.values(), expected);
  });
}

TEST_CASE("must pass: tiled transposition") {
  constexpr int h = 45, w = 70;
  const std::vector<float> in = Random(5).floats(h * w, -1, 1);
  in_all_thread_orders([&] {
    DeviceBuffer<float> source{std::span<const float>(in)}, out(h * w);
    launch(transpose, {.grid = {ceil_div(w, 32), ceil_div(h, 32)}, .block = {32, 8}}, out.data(), source.data(), h, w);
    const std::vector<float> result = out.values();
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x)
        REQUIRE_EQ(result[static_cast<std::size_t>(x * h + y)], in[static_cast<std::size_t>(y * w + x)]);
  });
}

TEST_CASE("must pass: histogram by atomics") {
  const auto in = Random(7).integers<std::uint8_t>(3000);
  std::vector<unsigned> expected(256);
  for (std::uint8_t value : in) ++expected[value];
  in_all_thread_orders([&] {
    DeviceBuffer<std::uint8_t> source{std::span<const std::uint8_t>(in)};
    DeviceBuffer<unsigned> bins(256);
    fill_bytes(bins.data(), 0, 256 * sizeof(unsigned), nullptr);
    launch(histogram, {.grid = {5}, .block = {96}}, bins.data(), source.data(), 3000);
    CHECK_EQ(bins.values(), expected);
  });
}

TEST_CASE("must pass: double-buffered asynchronous copies") {
  constexpr int rows = 7;
  std::vector<int> in(rows * 128), expected(128);
  std::iota(in.begin(), in.end(), 0);
  for (std::size_t i = 0; i < in.size(); ++i) expected[i % 128] += in[i];
  in_all_thread_orders([&] {
    DeviceBuffer<int> source{std::span<const int>(in)}, out(128);
    launch(pipelined_column_sums, {.block = {32}}, out.data(), source.data(), rows);
    CHECK_EQ(out.values(), expected);
  });
}

TEST_CASE("must pass: matrix product of a tile, by both instructions") {
  const std::vector<Half> a = random_halves(16 * 16, 11), b = random_halves(16 * 8, 13);
  std::vector<float> expected(16 * 8);
  for (std::size_t m = 0; m < 16; ++m)
    for (std::size_t n = 0; n < 8; ++n)
      for (std::size_t k = 0; k < 16; ++k)
        expected[m * 8 + n] += f16_to_f32(a[m * 16 + k].bits) * f16_to_f32(b[k * 8 + n].bits);
  in_all_thread_orders([&] {
    for (int depth : {16, 8}) {
      DeviceBuffer<Half> left{std::span<const Half>(a)}, right{std::span<const Half>(b)};
      DeviceBuffer<float> product(16 * 8);
      launch(tile_product, {.block = {32}}, product.data(), left.data(), right.data(), depth);
      CHECK_EQ(product.values(), expected);
    }
  });
}

TEST_CASE("must pass: matrix fragments lie where the PTX ISA puts them") {
  std::vector<Half> matrices;
  for (std::uint16_t i = 0; i < 256; ++i) matrices.push_back({i});  // matrix * 64 + row * 8 + column
  in_all_thread_orders([&] {
    for (unsigned transposed : {0u, 1u}) {
      DeviceBuffer<Half> source{std::span<const Half>(matrices)};
      DeviceBuffer<unsigned> out(7 * 32);
      launch(load_fragments, {.block = {32}}, out.data(), source.data(), static_cast<int>(transposed));
      const std::vector<unsigned> result = out.values();
      constexpr unsigned matrix_of[] = {0, 0, 1, 0, 1, 2, 3};
      for (unsigned lane = 0; lane < 32; ++lane)
        for (unsigned i = 0; i < 7; ++i) {
          const unsigned g = lane / 4, t = lane % 4, base = matrix_of[i] * 64;
          const unsigned low = base + (transposed ? 2 * t * 8 + g : g * 8 + 2 * t), step = transposed ? 8 : 1;
          REQUIRE_EQ(result[7 * lane + i], (low | (low + step) << 16));
        }
    }
  });
}

TEST_CASE("must pass: votes") {
  in_all_thread_orders([&] {
    DeviceBuffer<unsigned> out(6 * 32);
    launch(votes, {.block = {32}}, out.data());
    const std::vector<unsigned> result = out.values();
    for (unsigned lane = 0; lane < 32; ++lane) {
      const unsigned expected[] = {0xaaaaaaaau, 0, 1, 0xffu << lane / 8 * 8, lane < 4 ? 0xcu : 0, 25};
      for (unsigned i = 0; i < 6; ++i) REQUIRE_EQ(result[6 * lane + i], expected[i]);
    }
  });
}

TEST_CASE_TEMPLATE("must pass: atomics", T, int, unsigned, unsigned long long) {
  in_all_thread_orders([&] {
    const std::vector<T> before{0, 99, 0, 0, 3, 0, 0};
    DeviceBuffer<T> values{std::span<const T>(before)};
    launch(atomics<T>, {.grid = {2}, .block = {64}}, values.data());
    CHECK_EQ(values.values(), std::vector<T>{2 * 63 * 64 / 2, 0, 63, 0x7fffffff, 7, 9, 1});
  });
}

TEST_CASE("must pass: a kernel that overlaps the one before it") {
  const std::vector<int> in(32, 4);
  DeviceBuffer<int> source{std::span<const int>(in)}, out(32);
  launch(neighbour_of_previous, {.block = {32}, .overlap_previous = true}, out.data(), source.data());
  CHECK_EQ(out.values(), std::vector<int>(32, 5));
}

TEST_CASE("must pass: the arithmetic of half precision and of bits") {
  DeviceBuffer<float> out(13);
  launch(arithmetic, {}, out.data(), NAN, 0u);
  const std::vector<float> expected{2.0f, 4.0f, 2.0f, -2.0f, INFINITY, 1.0f, 8, 32, 31, 0, 4, 3 * 0x1p30f, 3};
  CHECK_EQ(out.values(), expected);
}

}  // namespace giemsa::kernels
