// The loops of linear_integer.cpp, compiled for each instruction set, which defines
//   step                             elements of a vector of bytes, Bytes; Sums has a lane for each four of them
//   load_bytes(from)
//   keep(Bytes&)                     keeps them in a register: compilers would rather load them again for each use
//   add_products(Sums&, x, w)        adds u8 times int8
//   totals(Sums[quad])               the sum of each one's lanes
//   tile_rows, tile_samples          of how many outputs and samples the sums fit the registers

#if GIEMSA_SIMD_SET == GIEMSA_BASELINE

constexpr std::int64_t step = 16;
constexpr int tile_rows = 1, tile_samples = 1;
using Bytes = std::array<std::uint8_t, step>;
using Sums = std::int32_t __attribute__((vector_size(16)));
inline Bytes load_bytes(const void* from) {
  Bytes to;
  std::memcpy(to.data(), from, sizeof(to));
  return to;
}
inline void keep(const Bytes&) {}
inline void add_products(Sums& sums, const Bytes& x, const Bytes& w) {
  std::int32_t part[4] = {};
  for (std::size_t i = 0; i < step; ++i) part[i / 4] += std::int32_t{x[i]} * static_cast<std::int8_t>(w[i]);
  sums += Sums{part[0], part[1], part[2], part[3]};
}
inline Totals totals(const Sums (&sums)[quad]) {
  Totals all;
  for (std::int64_t r = 0; r < quad; ++r) all[r] = sums[r][0] + sums[r][1] + sums[r][2] + sums[r][3];
  return all;
}

#elif GIEMSA_SIMD_SET == GIEMSA_AVX_VNNI

constexpr std::int64_t step = 32;
constexpr int tile_rows = 4, tile_samples = 2;
using Bytes = __m256i;
using Sums = std::int32_t __attribute__((vector_size(32)));
inline Bytes load_bytes(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}
inline void keep(Bytes& bytes) {
  asm("" : "+x"(bytes));
}
inline void add_products(Sums& sums, const Bytes& x, const Bytes& w) {
  sums = reinterpret_cast<Sums>(_mm256_dpbusd_avx_epi32(reinterpret_cast<__m256i>(sums), x, w));
}
inline __m256i add_pairs(const Sums& a, const Sums& b) {
  return _mm256_hadd_epi32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b));
}
inline Totals totals(const Sums (&sums)[quad]) {
  const __m256i fours = _mm256_hadd_epi32(add_pairs(sums[0], sums[1]), add_pairs(sums[2], sums[3]));
  return reinterpret_cast<Totals>(_mm_add_epi32(_mm256_castsi256_si128(fours), _mm256_extracti128_si256(fours, 1)));
}

#else

constexpr std::int64_t step = 64;
constexpr int tile_rows = 8, tile_samples = 2;
using Bytes = __m512i;
using Sums = std::int32_t __attribute__((vector_size(64)));
inline Bytes load_bytes(const void* from) {
  return _mm512_loadu_si512(from);
}
inline void keep(Bytes& bytes) {
  asm("" : "+v"(bytes));
}
inline void add_products(Sums& sums, const Bytes& x, const Bytes& w) {
  sums = reinterpret_cast<Sums>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sums), x, w));
}
/// In each quarter: half of a's sum, of b's, the other half of a's, of b's.
inline __m512i add_pairs(const Sums& a, const Sums& b) {
  const auto left = reinterpret_cast<__m512i>(a), right = reinterpret_cast<__m512i>(b);
  return _mm512_add_epi32(_mm512_unpacklo_epi32(left, right), _mm512_unpackhi_epi32(left, right));
}
inline Totals totals(const Sums (&sums)[quad]) {
  const __m512i left = add_pairs(sums[0], sums[1]), right = add_pairs(sums[2], sums[3]);
  const __m512i fours = _mm512_add_epi32(_mm512_unpacklo_epi64(left, right), _mm512_unpackhi_epi64(left, right));
  const __m256i eights = _mm256_add_epi32(_mm512_castsi512_si256(fours), _mm512_extracti64x4_epi64(fours, 1));
  return reinterpret_cast<Totals>(_mm_add_epi32(_mm256_castsi256_si128(eights), _mm256_extracti128_si256(eights, 1)));
}

#endif

/// The sums of an output's products, for each sample of a block.
using RowSums = Sums[block_samples];

/// Outputs o .. o + rows of a block of samples, from the sums of their products: four outputs per vector.
template <class T>
inline void finish_rows(const IntegerLinearParams& params, T* y, std::int64_t o, std::int64_t rows,
                        const Samples& samples, const RowSums* sums) {
  for (std::int64_t first = 0; first < rows; first += quad) {
    const std::int64_t here = std::min(quad, rows - first);
    Results scale = {}, bias = {};
    std::copy_n(params.scale + o + first, here, reinterpret_cast<float*>(&scale));
    std::copy_n(params.bias + o + first, here, reinterpret_cast<float*>(&bias));
    for (std::int64_t s = 0; s < samples.count; ++s) {
      Sums four[quad] = {};
      for (std::int64_t r = 0; r < here; ++r) four[r] = sums[first + r][s];
      Results values = __builtin_convertvector(totals(four), Results) * scale + bias;
      if (params.relu) values = values < 0.0f ? Results{} : values;
      store_results(y + (samples.first + s) * params.out + o + first, values, here);
    }
  }
}

/// Adds n products, a multiple of `step`, to the sums of Rows outputs of the Count samples from s0 on. Rows of w are
/// `w_stride` apart, those of x `x_stride`. Prefetches as much of `prefetched` rows that begin `ahead` elements after
/// w.
template <int Rows, int Count>
GIEMSA_INLINE void accumulate(RowSums* sums, std::int64_t s0, const std::int8_t* w, std::int64_t w_stride,
                              const std::uint8_t* x, std::int64_t x_stride, std::int64_t n, std::int64_t ahead = 0,
                              std::int64_t prefetched = 0) {
  Sums sum[Rows][Count];
  for (int r = 0; r < Rows; ++r)
    for (int s = 0; s < Count; ++s) sum[r][s] = sums[r][s0 + s];
  for (std::int64_t k = 0; k < n; k += step) {
    if (k % line == 0)
      for (std::int64_t i = 0; i < prefetched; ++i) prefetch(w, ahead + i * w_stride + k);
    Bytes xv[Count];
    for (int s = 0; s < Count; ++s) xv[s] = load_bytes(x + s * x_stride + k);
    for (int r = 0; r < Rows; ++r) {
      Bytes wv = load_bytes(w + r * w_stride + k);
      keep(wv);
      for (int s = 0; s < Count; ++s) add_products(sum[r][s], xv[s], wv);
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int s = 0; s < Count; ++s) sums[r][s0 + s] = sum[r][s];
}

/// The same for all samples of a block and any n: the rest of w is padded with zeros, as x is. The weights that lie
/// `ahead` elements on are prefetched a few at a time: all at once they would hold up the loads that are needed now.
template <int Rows>
inline void accumulate_all(RowSums* sums, const std::int8_t* w, std::int64_t w_stride, const std::uint8_t* x,
                           std::int64_t x_stride, std::int64_t n, std::int64_t count, std::int64_t ahead) {
  const std::int64_t whole = n / step * step, tiles = count / tile_samples;
  for (std::int64_t i = 0; i < tiles; ++i) {
    const std::int64_t s = i * tile_samples, row = Rows * i / tiles, prefetched = Rows * (i + 1) / tiles - row;
    accumulate<Rows, tile_samples>(sums, s, w, w_stride, x + s * x_stride, x_stride, whole, ahead + row * w_stride,
                                   ahead > 0 ? prefetched : 0);
  }
  for (std::int64_t s = tiles * tile_samples; s < count; ++s)
    accumulate<Rows, 1>(sums, s, w, w_stride, x + s * x_stride, x_stride, whole);
  if (whole == n) return;
  std::int8_t rest[Rows][step] = {};
  for (int r = 0; r < Rows; ++r) std::copy_n(w + r * w_stride + whole, n - whole, rest[r]);
  for (std::int64_t s = 0; s < count; ++s)
    accumulate<Rows, 1>(sums, s, rest[0], step, x + s * x_stride + whole, 0, step);
}

/// Outputs begin .. end, block_rows at most, of a block of samples. Unless `last`, prefetches the weights that follow.
template <class T>
void outputs(const IntegerLinearParams& params, T* y, const Samples& samples, std::int64_t begin, std::int64_t end,
             bool last) {
  RowSums sums[block_rows];
  std::memset(sums, 0, sizeof(sums));
  const std::int64_t in = params.in, rows = end - begin;
  for (std::int64_t k = 0; k < in; k += stretch) {
    const std::int64_t here = std::min(stretch, in - k), x_stride = samples.stride(k);
    const std::int64_t ahead = k + stretch < in ? stretch : last ? 0 : block_rows * in - k;
    const std::int8_t* w = params.weight + begin * in + k;
    std::int64_t r = 0;
    for (; r + tile_rows <= rows; r += tile_rows)
      accumulate_all<tile_rows>(sums + r, w + r * in, in, samples.at(k), x_stride, here, samples.count, ahead);
    for (; r < rows; ++r)
      accumulate_all<1>(sums + r, w + r * in, in, samples.at(k), x_stride, here, samples.count, ahead);
  }
  finish_rows(params, y, begin, rows, samples, sums);
}

/// Sums of the products of one output and Count samples, along the row as it lies in memory.
template <int Count>
GIEMSA_INLINE void row_sums(const IntegerLinearParams& params, const Samples& samples, std::int64_t o, RowSums& sums) {
  constexpr std::int64_t ahead = 4096, parts = std::max(1, 4 / Count), unrolled = parts * step;
  const std::int8_t* w = params.weight + o * params.in;
  Sums part[parts][Count] = {};
  for (std::int64_t start = 0; start < params.in; start += stretch) {
    const std::int64_t n = std::min(stretch, params.in - start), x_stride = samples.stride(start);
    const std::uint8_t* x = samples.at(start);
    std::int64_t k = 0;
    for (; k + unrolled <= n; k += unrolled)
      for (std::int64_t p = 0; p < parts; ++p) {
        const std::int64_t at = k + p * step;
        if (at % line == 0) prefetch(w, start + at + ahead);
        const Bytes wv = load_bytes(w + start + at);
        for (int s = 0; s < Count; ++s) add_products(part[p][s], load_bytes(x + s * x_stride + at), wv);
      }
    for (; k < n; k += step) {
      std::int8_t rest[step] = {};
      std::copy_n(w + start + k, std::min(step, n - k), rest);
      for (int s = 0; s < Count; ++s) add_products(part[0][s], load_bytes(x + s * x_stride + k), load_bytes(rest));
    }
  }
  for (int s = 0; s < Count; ++s) {
    sums[s] = part[0][s];
    for (std::int64_t p = 1; p < parts; ++p) sums[s] += part[p][s];
  }
}

/// Outputs begin .. end of the Count samples of a block.
template <int Count, class T>
void outputs_of_few(const IntegerLinearParams& params, T* y, const Samples& samples, std::int64_t begin,
                    std::int64_t end) {
  RowSums sums[quad];
  for (std::int64_t o = begin; o < end; o += quad) {
    const std::int64_t rows = std::min(quad, end - o);
    for (std::int64_t r = 0; r < rows; ++r) row_sums<Count>(params, samples, o + r, sums[r]);
    finish_rows(params, y, o, rows, samples, sums);
  }
}

/// Outputs begin .. end of a block of samples.
template <class T>
void multiply(const IntegerLinearParams& params, T* y, const Samples& samples, std::int64_t begin, std::int64_t end) {
  switch (samples.count) {
    case 1:
      return outputs_of_few<1>(params, y, samples, begin, end);
    case 2:
      return outputs_of_few<2>(params, y, samples, begin, end);
    case 3:
      return outputs_of_few<3>(params, y, samples, begin, end);
  }
  for (std::int64_t o = begin; o < end; o += block_rows)
    outputs(params, y, samples, o, std::min(o + block_rows, end), o + block_rows >= end);
}
