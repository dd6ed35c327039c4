// The emulator's side of the seam: what kernels/device.h and kernels/mma.h declare, on the CPU. Read those for what the
// functions mean; here is how they are checked. GIEMSA_SIMT names this header when kernels are compiled for tests.
#pragma once

#include <cmath>
#include <cstring>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include "engine/base/tensor.h"
#include "kernels/device.h"
#include "tests/simt/block.h"
#include "tests/simt/memory.h"

// CUDA's keywords. NOLINTBEGIN(readability-identifier-naming, bugprone-reserved-identifier)
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static  // blocks run in turn: one array serves all
struct uint3 {
  unsigned x = 0, y = 0, z = 0;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};
// Set before a thread goes on.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
// NOLINTEND(readability-identifier-naming, bugprone-reserved-identifier)

namespace giemsa::simt {

using kernels::full_mask;

/// A kernel and its arguments. They lie in host memory, which the kernel itself may not touch: start() copies them.
template <class... Parameters>
struct Call {
  void (*kernel)(Parameters...);
  std::tuple<Parameters...> arguments;

  __attribute__((no_sanitize("thread"))) static void start(const void* call) {
    static_cast<const Call*>(call)->start_kernel(std::index_sequence_for<Parameters...>());
  }

 private:
  template <std::size_t... i>
  __attribute__((no_sanitize("thread"), always_inline)) void start_kernel(std::index_sequence<i...>) const {
    kernel(std::get<i>(arguments)...);
  }
};

/// Between device memory and a thread's own, as one access.
void read(void* to, const void* from, std::size_t bytes);
void write(void* to, const void* from, std::size_t bytes);

enum class Shuffle : std::uint8_t { index, up, down, exclusive_or };
/// The source lane is given by `operand`: its number, the distance to it, or the bits in which it differs.
std::uint64_t shuffle(Shuffle kind, std::uint64_t value, int operand, unsigned mask, Site site);

template <class T>
T shuffle(Shuffle kind, T value, int operand, unsigned mask, Site site) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = shuffle(kind, bits, operand, mask, site);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

void load_matrices(unsigned* r, int n, bool transposed, const kernels::Half* row, Site site);
void copy_async(void* shared, const void* global, std::size_t bytes, bool take);
void wait_copies(int groups_in_flight);

template <class T, int... extents>
struct ArrayOf {
  using type = T;
};
template <class T, int extent, int... rest>
struct ArrayOf<T, extent, rest...> {
  using type = typename ArrayOf<T, rest...>::type[extent];
};

}  // namespace giemsa::simt

namespace giemsa::kernels {

// ---- launching ----

template <class... Parameters>
void launch(void (*kernel)(Parameters...), const Launch& how, std::type_identity_t<Parameters>... arguments) {
  static_assert((std::is_trivially_copyable_v<Parameters> && ...));
  static_assert((sizeof(Parameters) + ... + 0) <= 4096, "CUDA passes no more to every generation");
  const simt::Call<Parameters...> call{kernel, {arguments...}};
  simt::run(how, call.start, &call);
}

void fill_bytes(void* to, std::uint8_t value, std::size_t bytes, Stream stream);
/// See kernels/ladder/read_back.h.
void read_back(void* to, const void* from, std::size_t bytes, Stream stream);

void wait_for_previous_kernel();
inline void let_next_kernel_start() {}
/// `condition` is the address of a flag of the host's (tests/simt/runtime.cpp).
inline __attribute__((no_sanitize("thread"))) void set_condition(unsigned long long condition, bool holds) {
  *reinterpret_cast<unsigned*>(condition) = holds ? 1 : 0;
}

// ---- shared memory ----

template <class T, int... extents>
struct Shared {
  Shared() { simt::register_shared(&array_, sizeof array_, sizeof before_); }

  auto& operator[](int i) { return array_[i]; }
  T* data() { return reinterpret_cast<T*>(array_); }

 private:
  alignas(16) std::byte before_[64];
  alignas(16) typename simt::ArrayOf<T, extents...>::type array_;
  alignas(16) std::byte after_[64];
};

template <class T>
T* dynamic_shared() {
  return static_cast<T*>(simt::dynamic_shared_memory());
}

// ---- barriers and fences ----

inline void sync_block(simt::Site site = simt::Site::current()) {
  simt::meet_block(site);
}
void sync_warp(unsigned mask = full_mask, simt::Site site = simt::Site::current());
inline void thread_fence() {}  // threads take turns: all see all writes at once

// ---- warp operations ----

template <class T>
T shuffle(T value, int lane, unsigned mask = full_mask, simt::Site site = simt::Site::current()) {
  return simt::shuffle(simt::Shuffle::index, value, lane, mask, site);
}
template <class T>
T shuffle_up(T value, int delta, unsigned mask = full_mask, simt::Site site = simt::Site::current()) {
  return simt::shuffle(simt::Shuffle::up, value, delta, mask, site);
}
template <class T>
T shuffle_down(T value, int delta, unsigned mask = full_mask, simt::Site site = simt::Site::current()) {
  return simt::shuffle(simt::Shuffle::down, value, delta, mask, site);
}
template <class T>
T shuffle_xor(T value, int lane_bits, unsigned mask = full_mask, simt::Site site = simt::Site::current()) {
  return simt::shuffle(simt::Shuffle::exclusive_or, value, lane_bits, mask, site);
}

unsigned ballot(bool predicate, unsigned mask = full_mask, simt::Site site = simt::Site::current());
inline bool any_lane(bool predicate, unsigned mask = full_mask, simt::Site site = simt::Site::current()) {
  return ballot(predicate, mask, site) != 0;
}
inline bool all_lanes(bool predicate, unsigned mask = full_mask, simt::Site site = simt::Site::current()) {
  return ballot(predicate, mask, site) == mask;
}
unsigned match_lanes(unsigned value, unsigned mask = full_mask, simt::Site site = simt::Site::current());

// ---- atomics: instantiated for the types that device.h names ----

template <class T>
T atomic_add(T* p, std::type_identity_t<T> value);
template <class T>
T atomic_min(T* p, std::type_identity_t<T> value);
template <class T>
T atomic_max(T* p, std::type_identity_t<T> value);
template <class T>
T atomic_or(T* p, std::type_identity_t<T> value);
template <class T>
T atomic_exchange(T* p, std::type_identity_t<T> value);
template <class T>
T atomic_compare_exchange(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> value);

// ---- vector loads and stores ----

template <int n, class T>
Vec<T, n> load(const T* from) {
  Vec<T, n> value;
  static_assert(sizeof value <= 16);
  simt::read(&value, from, sizeof value);
  return value;
}
template <int n, class T>
Vec<T, n> load_constant(const T* from) {
  return load<n>(from);
}
template <int n, class T>
Vec<T, n> load_streaming(const T* from) {
  return load<n>(from);
}
template <class T, int n>
void store(T* to, const Vec<T, n>& value) {
  static_assert(sizeof value <= 16);
  simt::write(to, &value, sizeof value);
}
template <class T, int n>
void store_streaming(T* to, const Vec<T, n>& value) {
  store(to, value);
}

// ---- asynchronous copies: they arrive when waited for, not before ----

template <int bytes>
void copy_async(void* shared, const void* global, bool take = true) {
  static_assert(bytes == 4 || bytes == 8 || bytes == 16);
  simt::copy_async(shared, global, bytes, take);
}
void commit_copies();
template <int groups_in_flight>
void wait_copies() {
  simt::wait_copies(groups_in_flight);
}

// ---- arithmetic ----

inline float to_float(float value) {
  return value;
}
inline float to_float(Half value) {
  return f16_to_f32(value.bits);
}
inline float to_float(Bfloat16 value) {
  return bf16_to_f32(value.bits);
}
inline Half to_half(float value) {
  return {f32_to_f16(value)};
}
inline Bfloat16 to_bfloat16(float value) {
  return {f32_to_bf16(value)};
}

template <class Function>
Half2 each(Half2 a, Half2 b, Function f) {
  return {{to_half(f(to_float(a[0]), to_float(b[0]))), to_half(f(to_float(a[1]), to_float(b[1])))}};
}
inline Half2 add(Half2 a, Half2 b) {
  return each(a, b, [](float x, float y) { return x + y; });
}
inline Half2 multiply(Half2 a, Half2 b) {
  return each(a, b, [](float x, float y) { return x * y; });
}
inline Half2 maximum(Half2 a, Half2 b) {
  return each(a, b, [](float x, float y) { return std::fmax(x, y); });
}
inline Half2 multiply_add(Half2 a, Half2 b, Half2 c) {
  // The product is exact in fp32, so the sum is rounded to fp32 and then to fp16. Twice rounded, it differs from the
  // hardware's by a unit in rare halfway cases.
  const auto f = [](Half x, Half y, Half z) { return to_half(to_float(x) * to_float(y) + to_float(z)); };
  return {{f(a[0], b[0], c[0]), f(a[1], b[1], c[1])}};
}

inline int count_ones(unsigned bits) {
  return __builtin_popcount(bits);
}
inline int count_leading_zeros(unsigned bits) {
  return bits ? __builtin_clz(bits) : 32;
}
inline int find_first_set(unsigned bits) {
  return __builtin_ffs(static_cast<int>(bits));
}
inline unsigned reverse_bits(unsigned bits) {
  unsigned reversed = 0;
  for (int i = 0; i < 32; ++i) reversed |= (bits >> i & 1) << (31 - i);
  return reversed;
}

inline float fast_exp(float x) {
  return std::exp(x);
}
inline float fast_log(float x) {
  return std::log(x);
}
inline float fast_divide(float a, float b) {
  return a / b;
}
inline float reciprocal_sqrt(float x) {
  return 1.0f / std::sqrt(x);
}

// ---- matrix instructions ----

void mma_m16n8k8(float (&d)[4], unsigned a0, unsigned a1, unsigned b0, simt::Site site = simt::Site::current());
void mma_m16n8k16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                  simt::Site site = simt::Site::current());

template <int n>
void load_matrices(unsigned (&r)[n], const Half* row, simt::Site site = simt::Site::current()) {
  static_assert(n == 1 || n == 2 || n == 4);
  simt::load_matrices(r, n, false, row, site);
}
template <int n>
void load_matrices_transposed(unsigned (&r)[n], const Half* row, simt::Site site = simt::Site::current()) {
  static_assert(n == 1 || n == 2 || n == 4);
  simt::load_matrices(r, n, true, row, site);
}

}  // namespace giemsa::kernels
