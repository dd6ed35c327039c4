// The loops that linear.simd.h and linear_dot.simd.h share. They include this header where they have defined
//   Operand, Operands             what is multiplied, and a vector of `step` of them
//   Vec                           a vector of floats: sums
//   load_operands(from)           `step` operands, as packed
//   decode(from)                  the same from weights of any type
//   multiply_add(Vec&, w, x)
//   keep(Operands&)               keeps them in a register: compilers would rather load them again for each use
//   tile_rows, tile_samples       of how many outputs and samples the sums fit the registers
//   few_rows                      of how many outputs, with up to four samples

constexpr std::int64_t step = sizeof(Operands) / sizeof(Operand), width = sizeof(Vec) / sizeof(float);
constexpr std::int64_t parts = lanes / width;  // vectors of a sum
using Samples = PackedSamples<Operand>;
constexpr std::int64_t unit = Samples::line, stretch = Samples::stretch;
static_assert(unit == parts * step);

/// The partial sums of an output, for each sample of a block.
using RowSums = Vec[block_samples][parts];

GIEMSA_INLINE float total(const Vec (&sums)[parts]) {
  float part[lanes];
  std::memcpy(part, sums, sizeof(part));
  for (std::int64_t half = lanes / 2; half > 0; half /= 2)
    for (std::int64_t i = 0; i < half; ++i) part[i] += part[i + half];
  return part[0];
}

/// `count` elements as operands, zeros up to a whole unit. Prefetches what lies `ahead` elements on, unless that is 0.
template <class W>
inline void decode_row(const W* from, std::int64_t count, std::int64_t ahead, Operand* to) {
  constexpr std::int64_t line = 64 / sizeof(W);
  std::int64_t k = 0;
  for (; k + step <= count; k += step) {
    if (ahead > 0)
      for (std::int64_t i = 0; i < step; i += line)
        if ((k + i) % line == 0) prefetch(from, ahead + k + i);
    const Operands values = decode(from + k);
    std::memcpy(to + k, &values, sizeof(values));
  }
  for (; k < (count + unit - 1) / unit * unit; k += step) {
    W rest[step] = {};
    if (k < count) std::copy(from + k, from + count, rest);
    const Operands values = decode(rest);
    std::memcpy(to + k, &values, sizeof(values));
  }
}

/// Adds n products, whole units, to the sums of Rows outputs of Count samples. Rows of w are `stretch` apart, those of
/// x `x_stride`.
template <int Rows, int Count>
GIEMSA_INLINE void accumulate(RowSums* sums, std::int64_t s0, const Operand* w, const Operand* x, std::int64_t x_stride,
                              std::int64_t n) {
  Vec sum[Rows][Count][parts];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int s = 0; s < Count; ++s)
#pragma GCC unroll 8
      for (int p = 0; p < parts; ++p) sum[r][s][p] = sums[r][s0 + s][p];
  for (std::int64_t k = 0; k < n; k += unit)
#pragma GCC unroll 8
    for (int p = 0; p < parts; ++p) {
      const std::int64_t at = k + p * step;
      Operands xv[Count];
#pragma GCC unroll 8
      for (int s = 0; s < Count; ++s) xv[s] = load_operands(x + s * x_stride + at);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        Operands wv = load_operands(w + r * stretch + at);
        keep(wv);
#pragma GCC unroll 8
        for (int s = 0; s < Count; ++s) multiply_add(sum[r][s][p], wv, xv[s]);
      }
    }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int s = 0; s < Count; ++s)
#pragma GCC unroll 8
      for (int p = 0; p < parts; ++p) sums[r][s0 + s][p] = sum[r][s][p];
}

/// The same from `weight`, n elements of Rows rows, for all samples. Decoded weights stay in the first-level cache
/// until all samples were multiplied by them.
template <int Rows, class W>
inline void accumulate_all(RowSums* sums, const W* weight, std::int64_t w_stride, const Samples& samples,
                           std::int64_t k, std::int64_t n, std::int64_t ahead) {
  alignas(64) Operand w[Rows * stretch];
  for (int r = 0; r < Rows; ++r) decode_row(weight + r * w_stride, n, ahead, w + r * stretch);
  const std::int64_t x_stride = samples.stride(k);
  const Operand* x = samples.at(k);
  std::int64_t s = 0;
  for (; s + tile_samples <= samples.count; s += tile_samples)
    accumulate<Rows, tile_samples>(sums, s, w, x + s * x_stride, x_stride, n);
  for (; s < samples.count; ++s) accumulate<Rows, 1>(sums, s, w, x + s * x_stride, x_stride, n);
}

/// Outputs begin .. end, block_rows at most, of a block of samples. Unless `last`, prefetches the weights that follow.
template <class W>
void outputs(const LinearParams& params, const W* weight, const Samples& samples, std::int64_t begin, std::int64_t end,
             bool last) {
  RowSums sums[block_rows];
  std::memset(sums, 0, sizeof(sums));
  const std::int64_t in = params.in, rows = end - begin;
  for (std::int64_t k = 0; k < in; k += stretch) {
    const std::int64_t here = std::min(stretch, in - k);
    const std::int64_t ahead = k + stretch < in ? stretch : last ? 0 : block_rows * in - k;
    const W* w = weight + begin * in + k;
    std::int64_t r = 0;
    for (; r + tile_rows <= rows; r += tile_rows)
      accumulate_all<tile_rows>(sums + r, w + r * in, in, samples, k, here, ahead);
    for (; r < rows; ++r) accumulate_all<1>(sums + r, w + r * in, in, samples, k, here, ahead);
  }
  for (std::int64_t s = 0; s < samples.count; ++s)
    for (std::int64_t r = 0; r < rows; ++r) finish(params, begin + r, samples.first + s, total(sums[r][s]));
}

/// Outputs o .. o + Rows of the Count samples of a block: decoded weights would be used but a few times, so they stay
/// in registers. The same sums in the same order.
template <int Rows, int Count, class W>
void outputs_of_few(const LinearParams& params, const W* weight, const Samples& samples, std::int64_t o) {
  constexpr std::int64_t line = 64 / sizeof(W);
  const std::int64_t in = params.in;
  Vec sum[Rows][Count][parts] = {};
  for (std::int64_t start = 0; start < in; start += stretch) {
    const std::int64_t here = std::min(stretch, in - start), whole = here / unit * unit,
                       x_stride = samples.stride(start);
    const Operand* x = samples.at(start);
    const W* w = weight + o * in + start;
    for (std::int64_t k = 0; k < whole; k += unit) {
      // Rows of int8 are so short that the hardware prefetcher starts anew with each: 33 GB/s without this, 51 with it.
      for (std::int64_t i = 0; i < unit; i += line)
        if ((k + i) % line == 0)
#pragma GCC unroll 8
          for (int r = 0; r < Rows; ++r) prefetch(w, (r + Rows) * in + k + i);
#pragma GCC unroll 8
      for (int p = 0; p < parts; ++p) {
        const std::int64_t at = k + p * step;
        Operands xv[Count];
#pragma GCC unroll 8
        for (int s = 0; s < Count; ++s) xv[s] = load_operands(x + s * x_stride + at);
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) {
          const Operands wv = decode(w + r * in + at);
#pragma GCC unroll 8
          for (int s = 0; s < Count; ++s) multiply_add(sum[r][s][p], wv, xv[s]);
        }
      }
    }
    if (whole == here) continue;
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      alignas(64) Operand rest[unit];
      decode_row(w + r * in + whole, here - whole, 0, rest);
#pragma GCC unroll 8
      for (int s = 0; s < Count; ++s)
#pragma GCC unroll 8
        for (int p = 0; p < parts; ++p)
          multiply_add(sum[r][s][p], load_operands(rest + p * step),
                       load_operands(x + s * x_stride + whole + p * step));
    }
  }
#pragma GCC unroll 8
  for (int s = 0; s < Count; ++s)
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) finish(params, o + r, samples.first + s, total(sum[r][s]));
}

template <int Count, class W>
void outputs_of_few(const LinearParams& params, const W* weight, const Samples& samples, std::int64_t begin,
                    std::int64_t end) {
  std::int64_t o = begin;
  for (; o + few_rows <= end; o += few_rows) outputs_of_few<few_rows, Count>(params, weight, samples, o);
  for (; o < end; ++o) outputs_of_few<1, Count>(params, weight, samples, o);
}

/// Outputs begin .. end of a block of samples.
template <class W>
void multiply(const LinearParams& params, const W* weight, const Samples& samples, std::int64_t begin,
              std::int64_t end) {
  switch (samples.count) {
    case 1:
      return outputs_of_few<1>(params, weight, samples, begin, end);
    case 2:
      return outputs_of_few<2>(params, weight, samples, begin, end);
    case 3:
      return outputs_of_few<3>(params, weight, samples, begin, end);
    case 4:
      return outputs_of_few<4>(params, weight, samples, begin, end);
  }
  for (std::int64_t o = begin; o < end; o += block_rows)
    outputs(params, weight, samples, o, std::min(o + block_rows, end), o + block_rows >= end);
}
