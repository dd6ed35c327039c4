// How fully connected layers share their work: the inputs are packed in blocks of samples, as the inner loops read
// them, and threads take chunks of outputs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu/ceil_div.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/scratch.h"

namespace giemsa::kernels::cpu {

/// Samples that share each weight that is read, and outputs that a stretch of samples is used for before the next
/// stretch.
inline constexpr std::int64_t block_samples = 16, block_rows = 16;

/// Up to block_samples samples, packed: stretch by stretch, and in each stretch sample by sample. So what the inner
/// loop reads together is adjacent, and rows of 4096 bytes do not all compete for the same few lines of a cache; a
/// stretch of 16 samples takes 16 KiB, which leaves the first-level cache room for the weights and the sums. Zeros pad
/// the last stretch to a whole cache line.
template <class T>
struct PackedSamples {
  static constexpr std::int64_t line = 64 / sizeof(T);  // elements of a cache line
  static constexpr std::int64_t stretch = 16 * line;

  std::int64_t first, count, in;
  T* packed;

  static std::int64_t padded(std::int64_t in) { return (in + line - 1) / line * line; }
  static std::size_t bytes(std::int64_t samples, std::int64_t in) {
    return scratch_bytes_of<T>(std::min(samples, block_samples) * padded(in));
  }

  /// Elements from a sample to the next within the stretch that begins with element k, and that stretch's address.
  std::int64_t stride(std::int64_t k) const { return std::min(stretch, padded(in) - k); }
  T* at(std::int64_t k) const { return packed + k * count; }

  /// `convert(from, n, to)` writes n elements, and zeros up to a whole line.
  template <class From, class Convert>
  void pack(const From* x, const Convert& convert) const {
    const auto pack_one = [&](std::int64_t s) {
      for (std::int64_t k = 0; k < in; k += stretch)
        convert(x + (first + s) * in + k, std::min(stretch, in - k), at(k) + s * stride(k));
    };
    // Not an if clause: a team of one takes the others' place, and making them anew allocates.
    if (count == 1) return pack_one(0);
    parallel_for(count, pack_one);
  }
};

/// Calls multiply(samples, begin, end) for each block of samples, packed into `scratch`, and each chunk of `out`
/// outputs; chunks are small, since cores are not equally fast.
template <class T, class From, class Convert, class Multiply>
void share_outputs(const From* x, std::int64_t samples, std::int64_t in, std::int64_t out, std::span<std::byte> scratch,
                   const Convert& convert, const Multiply& multiply) {
  using Packed = PackedSamples<T>;
  T* packed = Scratch(scratch).take<T>(std::min(samples, block_samples) * Packed::padded(in));
  for (std::int64_t first = 0; first < samples; first += block_samples) {
    const Packed block{first, std::min(block_samples, samples - first), in, packed};
    block.pack(x, convert);
    constexpr std::int64_t chunk = 32;
    parallel_for_dynamic(ceil_div(out, chunk), 1,
                         [&](std::int64_t i) { multiply(block, i * chunk, std::min((i + 1) * chunk, out)); });
  }
}

}  // namespace giemsa::kernels::cpu
