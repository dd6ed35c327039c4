// The seam between our kernels and what runs them. A kernel file includes this header (mma.h for matrix instructions)
// and writes CUDA C++ with these differences:
//
//   CUDA                                        here
//   kernel<<<grid, block, bytes, stream>>>(a)   launch(kernel, {.grid = {..}, .block = {..}, .stream = stream}, a)
//   __shared__ float tile[32][33];              __shared__ Shared<float, 32, 33> tile;
//   extern __shared__ float tile[];             float* tile = dynamic_shared<float>();
//   __syncthreads(), __shfl_xor_sync(), ...     sync_block(), shuffle_xor(), ... below
//   asm("cp.async ..."), asm("mma.sync ...")    copy_async(), mma_m16n8k16(), ...
//
// Here each of them is the hardware's own. In tests GIEMSA_SIMT names a header that takes the place of this one's lower
// part: an emulator that runs the same source on the CPU, a fiber per thread, and stops at races, reads of what nobody
// wrote, accesses outside a buffer, divergent barriers and warp operations whose lanes disagree.
#pragma once

#include "kernels/error.h"
#include "kernels/types.h"

namespace giemsa::kernels {

inline constexpr int warp_size = 32;
inline constexpr unsigned full_mask = 0xffffffffu;  ///< all lanes of a warp

}  // namespace giemsa::kernels

#ifdef GIEMSA_SIMT
#include GIEMSA_SIMT
#else

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <bit>
#include <cstdlib>
#include <type_traits>

namespace giemsa::kernels {

// ---- launching ----

/// Programmatic dependent launch exists since compute capability 9.0. Off unless GIEMSA_PDL=1 asks for it: no hardware
/// has run our graphs with it yet.
inline bool device_can_overlap_kernels() {
  static const char* const wish = std::getenv("GIEMSA_PDL");
  if (wish == nullptr || *wish != '1') return false;
  int device = 0, major = 0;
  CUDA_CHECK(cudaGetDevice(&device));
  CUDA_CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
  return major >= 9;
}

/// Starts `kernel`. Throws CudaError where it cannot start; what goes wrong later shows at the next synchronisation.
template <class... Parameters>
void launch(void (*kernel)(Parameters...), const Launch& how, std::type_identity_t<Parameters>... arguments) {
  constexpr std::size_t granted = 48 << 10;  // more has to be asked for
  if (how.shared_bytes > granted)
    CUDA_CHECK(
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(how.shared_bytes)));
  const auto extent = [](Dim3 d) {
    return dim3(static_cast<unsigned>(d.x), static_cast<unsigned>(d.y), static_cast<unsigned>(d.z));
  };
  cudaLaunchConfig_t config{};
  config.gridDim = extent(how.grid);
  config.blockDim = extent(how.block);
  config.dynamicSmemBytes = how.shared_bytes;
  config.stream = how.stream;
  cudaLaunchAttribute overlap{};
  overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  overlap.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &overlap;
  config.numAttrs = how.overlap_previous && device_can_overlap_kernels() ? 1 : 0;
  CUDA_CHECK(cudaLaunchKernelEx(&config, kernel, arguments...));
}

/// Sets `bytes` bytes of device memory, in stream order.
inline void fill_bytes(void* to, std::uint8_t value, std::size_t bytes, Stream stream) {
  CUDA_CHECK(cudaMemsetAsync(to, value, bytes, stream));
}

/// Returns when the kernel before this one in the stream has finished and its writes can be read. Without
/// Launch::overlap_previous it already has.
__device__ __forceinline__ void wait_for_previous_kernel() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// Lets a next kernel that overlaps this one start, once all blocks have called this or ended.
__device__ __forceinline__ void let_next_kernel_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/// Sets what a conditional node of the graph that this kernel belongs to will look at (cudaGraphConditionalHandle).
__device__ __forceinline__ void set_condition(unsigned long long condition, bool holds) {
  cudaGraphSetConditional(condition, holds ? 1u : 0u);
}

// ---- shared memory ----

template <class T, int... extents>
struct ArrayOf {
  using type = T;
};
template <class T, int extent, int... rest>
struct ArrayOf<T, extent, rest...> {
  using type = typename ArrayOf<T, rest...>::type[extent];
};

/// A static shared array, indexed as T[extents]..., aligned for 16-byte accesses: `__shared__ Shared<float, 32, 33>
/// tile`.
template <class T, int... extents>
struct alignas(16) Shared {
  typename ArrayOf<T, extents...>::type array;

  __device__ __forceinline__ auto& operator[](int i) { return array[i]; }
  __device__ __forceinline__ T* data() { return reinterpret_cast<T*>(array); }
};

/// The block's Launch::shared_bytes, aligned to 128 bytes.
template <class T>
__device__ __forceinline__ T* dynamic_shared() {
  extern __shared__ __align__(128) unsigned char dynamic_shared_memory[];
  return reinterpret_cast<T*>(dynamic_shared_memory);
}

// ---- barriers and fences ----

/// All threads of the block meet; what they wrote before is seen by all after. No thread may have left the kernel.
__device__ __forceinline__ void sync_block() {
  __syncthreads();
}

/// The lanes in `mask`, all of which pass the same mask here, meet and see each other's writes. No other warp operation
/// orders memory.
__device__ __forceinline__ void sync_warp(unsigned mask = full_mask) {
  __syncwarp(mask);
}

/// Writes to global memory before the fence are seen no later than writes after it, by the whole device.
__device__ __forceinline__ void thread_fence() {
  __threadfence();
}

// ---- warp operations: all lanes in `mask` take part, and pass the same mask ----

/// `value` of lane `lane`, which takes part. T has 4 or 8 bytes, in all shuffles.
template <class T>
__device__ __forceinline__ T shuffle(T value, int lane, unsigned mask = full_mask) {
  return __shfl_sync(mask, value, lane);
}
/// `value` of the lane `delta` below; of this lane where there is none.
template <class T>
__device__ __forceinline__ T shuffle_up(T value, int delta, unsigned mask = full_mask) {
  return __shfl_up_sync(mask, value, static_cast<unsigned>(delta));
}
/// `value` of the lane `delta` above; of this lane where there is none.
template <class T>
__device__ __forceinline__ T shuffle_down(T value, int delta, unsigned mask = full_mask) {
  return __shfl_down_sync(mask, value, static_cast<unsigned>(delta));
}
/// `value` of lane (this lane ^ lane_bits).
template <class T>
__device__ __forceinline__ T shuffle_xor(T value, int lane_bits, unsigned mask = full_mask) {
  return __shfl_xor_sync(mask, value, lane_bits);
}

/// The lanes whose predicate holds.
__device__ __forceinline__ unsigned ballot(bool predicate, unsigned mask = full_mask) {
  return __ballot_sync(mask, predicate);
}
__device__ __forceinline__ bool any_lane(bool predicate, unsigned mask = full_mask) {
  return __any_sync(mask, predicate) != 0;
}
__device__ __forceinline__ bool all_lanes(bool predicate, unsigned mask = full_mask) {
  return __all_sync(mask, predicate) != 0;
}
/// The lanes whose value equals this lane's.
__device__ __forceinline__ unsigned match_lanes(unsigned value, unsigned mask = full_mask) {
  return __match_any_sync(mask, value);
}

// ---- atomics, on global and shared memory; they return the old value ----
// T: int, unsigned, unsigned long long; atomic_add and atomic_exchange also float. Sums of floats depend on the order
// of the additions and hence differ from run to run: results must not be made of them.

template <class T>
__device__ __forceinline__ T atomic_add(T* p, std::type_identity_t<T> value) {
  return atomicAdd(p, value);
}
template <class T>
__device__ __forceinline__ T atomic_min(T* p, std::type_identity_t<T> value) {
  return atomicMin(p, value);
}
template <class T>
__device__ __forceinline__ T atomic_max(T* p, std::type_identity_t<T> value) {
  return atomicMax(p, value);
}
template <class T>
__device__ __forceinline__ T atomic_or(T* p, std::type_identity_t<T> value) {
  return atomicOr(p, value);
}
template <class T>
__device__ __forceinline__ T atomic_exchange(T* p, std::type_identity_t<T> value) {
  return atomicExch(p, value);
}
/// Stores `value` where *p equals `expected`.
template <class T>
__device__ __forceinline__ T atomic_compare_exchange(T* p, std::type_identity_t<T> expected,
                                                     std::type_identity_t<T> value) {
  return atomicCAS(p, expected, value);
}

// ---- vector loads and stores of 2, 4, 8 or 16 bytes, aligned to their size ----

template <std::size_t bytes>
struct Word;
template <>
struct Word<2> {
  using type = unsigned short;
};
template <>
struct Word<4> {
  using type = unsigned;
};
template <>
struct Word<8> {
  using type = uint2;
};
template <>
struct Word<16> {
  using type = uint4;
};
template <class T, int n>
using WordOf = typename Word<sizeof(Vec<T, n>)>::type;

/// From global or shared memory.
template <int n, class T>
__device__ __forceinline__ Vec<T, n> load(const T* from) {
  return std::bit_cast<Vec<T, n> >(*reinterpret_cast<const WordOf<T, n>*>(from));
}
/// From global memory that nothing writes while the kernel runs.
template <int n, class T>
__device__ __forceinline__ Vec<T, n> load_constant(const T* from) {
  return std::bit_cast<Vec<T, n> >(__ldg(reinterpret_cast<const WordOf<T, n>*>(from)));
}
/// From global memory that will not be read again: first to leave the caches.
template <int n, class T>
__device__ __forceinline__ Vec<T, n> load_streaming(const T* from) {
  return std::bit_cast<Vec<T, n> >(__ldcs(reinterpret_cast<const WordOf<T, n>*>(from)));
}
/// To global or shared memory.
template <class T, int n>
__device__ __forceinline__ void store(T* to, const Vec<T, n>& value) {
  *reinterpret_cast<WordOf<T, n>*>(to) = std::bit_cast<WordOf<T, n> >(value);
}
/// To global memory that will not be read soon.
template <class T, int n>
__device__ __forceinline__ void store_streaming(T* to, const Vec<T, n>& value) {
  __stcs(reinterpret_cast<WordOf<T, n>*>(to), std::bit_cast<WordOf<T, n> >(value));
}

// ---- asynchronous copies from global to shared memory ----
// Issued copies are gathered into a group by commit_copies(); wait_copies<n>() returns when all but this thread's last
// n groups have arrived. Other threads see them after a barrier that follows the wait. Before compute capability 8.0
// the copy happens at once.

/// `bytes` is 4, 8 or 16, and both addresses are multiples of it. With `take` false the bytes become zero and `global`
/// is not read.
template <int bytes>
__device__ __forceinline__ void copy_async(void* shared, const void* global, bool take = true) {
  static_assert(bytes == 4 || bytes == 8 || bytes == 16);
#if __CUDA_ARCH__ >= 800
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  const int taken = take ? bytes : 0;
  if constexpr (bytes == 16)  // past L1, which a tile that goes to shared memory need not fill
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(taken) : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(global), "n"(bytes), "r"(taken)
                 : "memory");
#else
  using Bytes = Vec<unsigned, bytes / 4>;
  *static_cast<Bytes*>(shared) = take ? *static_cast<const Bytes*>(global) : Bytes{};
#endif
}

__device__ __forceinline__ void commit_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

template <int groups_in_flight>
__device__ __forceinline__ void wait_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(groups_in_flight) : "memory");
#endif
}

// ---- arithmetic ----

__device__ __forceinline__ float to_float(float value) {
  return value;
}
__device__ __forceinline__ float to_float(Half value) {
  return __half2float(__half(__half_raw{value.bits}));
}
__device__ __forceinline__ float to_float(Bfloat16 value) {
  return __uint_as_float(unsigned{value.bits} << 16);
}
/// Rounded to nearest even, as is to_bfloat16.
__device__ __forceinline__ Half to_half(float value) {
  return {__half_as_ushort(__float2half_rn(value))};
}
__device__ __forceinline__ Bfloat16 to_bfloat16(float value) {
  return {__bfloat16_as_ushort(__float2bfloat16_rn(value))};
}

__device__ __forceinline__ __half2 native(Half2 v) {
  return __half2_raw{v[0].bits, v[1].bits};
}
__device__ __forceinline__ Half2 portable(__half2 v) {
  const __half2_raw raw = v;
  return {{{raw.x}, {raw.y}}};
}
/// Pairs, each element rounded once to fp16.
__device__ __forceinline__ Half2 add(Half2 a, Half2 b) {
  return portable(__hadd2(native(a), native(b)));
}
__device__ __forceinline__ Half2 multiply(Half2 a, Half2 b) {
  return portable(__hmul2(native(a), native(b)));
}
__device__ __forceinline__ Half2 multiply_add(Half2 a, Half2 b, Half2 c) {
  return portable(__hfma2(native(a), native(b), native(c)));
}
/// The number where one of the two is NaN.
__device__ __forceinline__ Half2 maximum(Half2 a, Half2 b) {
  return portable(__hmax2(native(a), native(b)));
}

__device__ __forceinline__ int count_ones(unsigned bits) {
  return __popc(bits);
}
/// 32 for 0.
__device__ __forceinline__ int count_leading_zeros(unsigned bits) {
  return __clz(static_cast<int>(bits));
}
/// 1 + the index of the lowest bit set; 0 for 0.
__device__ __forceinline__ int find_first_set(unsigned bits) {
  return __ffs(static_cast<int>(bits));
}
__device__ __forceinline__ unsigned reverse_bits(unsigned bits) {
  return __brev(bits);
}

// Approximations by the special function units, correct to about 2 units in the last place; fast_exp and fast_log to
// about 2 + |1.16 x| and an absolute 2^-21 near 1 (CUDA C++ Programming Guide, intrinsic functions).
__device__ __forceinline__ float fast_exp(float x) {
  return __expf(x);
}
__device__ __forceinline__ float fast_log(float x) {
  return __logf(x);
}
__device__ __forceinline__ float fast_divide(float a, float b) {
  return __fdividef(a, b);
}
__device__ __forceinline__ float reciprocal_sqrt(float x) {
  return rsqrtf(x);
}

}  // namespace giemsa::kernels

#endif
