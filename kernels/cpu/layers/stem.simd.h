// The loops of stem.cpp, compiled for AVX512_BF16 with VNNI.

struct Brain16 {
  using Sum = __m512;
  static Sum start(const StemWeights& weights, std::int64_t o) { return _mm512_loadu_ps(&weights.bias[o]); }
  static Sum add(Sum sum, __m512i w, __m512i x) { return _mm512_dpbf16_ps(sum, (__m512bh)w, (__m512bh)x); }
  static __m512 result(Sum sum, const StemWeights&, std::int64_t) { return sum; }
};

struct Int8 {
  // The type that the instruction takes: GCC 12 spills sums that it has to convert from __m512i.
  using Sum = std::int32_t __attribute__((vector_size(64)));
  static Sum start(const StemWeights& weights, std::int64_t o) { return -(Sum)_mm512_loadu_si512(&weights.surplus[o]); }
  static Sum add(Sum sum, __m512i w, __m512i x) { return (Sum)_mm512_dpbusd_epi32((__m512i)sum, x, w); }
  static __m512 result(Sum sum, const StemWeights& weights, std::int64_t o) {
    return _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps((__m512i)sum), _mm512_loadu_ps(&weights.scale[o])),
                         _mm512_loadu_ps(&weights.bias[o]));
  }
};

inline void store(float* to, __m512 values) {
  _mm512_storeu_ps(to, values);
}
inline void store(Bf16* to, __m512 values) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), (__m256i)_mm512_cvtneps_pbh(values));
}
inline __m512i round_within(__m512 values, float least, float most) {
  return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(values, _mm512_set1_ps(least)), _mm512_set1_ps(most)));
}
inline void store(std::uint8_t* to, __m512 values) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(round_within(values, 0, 255)));
}
inline void store(std::int8_t* to, __m512 values) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(round_within(values, -128, 127)));
}

/// The sums of a tile, before the activation.
using Results = float[tile_pixels][tile_vectors * lanes];

/// Stores `outputs` outputs, from output `o` on, of `pixels` pixels, from pixel `to` on.
void store_results(const Work& work, const Results& results, std::int64_t to, std::int64_t pixels, std::int64_t o,
                   std::int64_t outputs) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const __m512 least = _mm512_set1_ps(work.params.relu ? 0.0f : -infinity);
  const __m512 most = _mm512_set1_ps(work.params.relu ? work.params.ceiling : infinity);
  with_element_type(work.dst.element, [&]<class T>(T*) {
    for (std::int64_t p = 0; p < pixels; ++p) {
      T* out = work.dst.pixel<T>(to + p) + o;
      for (std::int64_t i = 0; i < outputs; i += lanes) {
        // The order of operands lets a NaN through.
        const __m512 values = _mm512_min_ps(most, _mm512_max_ps(least, _mm512_load_ps(&results[p][i])));
        if (i + lanes <= outputs) {
          store(out + i, values);
        } else {
          T rest[lanes];
          store(rest, values);
          std::copy_n(rest, outputs - i, out + i);
        }
      }
    }
  });
}

/// Pixels of one output row, from pixel `to` on, whose taps begin at `in`; Vectors of outputs from output `o` on.
template <class Kind, int Pixels, int Vectors>
void tile(const Work& work, const std::byte* in, const StemLine* w, std::int64_t to, std::int64_t o) {
  typename Kind::Sum sum[Pixels][Vectors];
  for (int p = 0; p < Pixels; ++p)
    for (int v = 0; v < Vectors; ++v) sum[p][v] = Kind::start(work.weights, o + v * lanes);
  const std::int64_t pixel_bytes = work.at.pixel_bytes;
  // One loop, since the processor mispredicts the end of short ones: ResNet's 7 rows of 11 steps took 7 %
  // longer.
  for (const std::int64_t offset : work.offsets) {
    const std::byte* x = in + offset;
    __m512i wv[Vectors];
    for (int v = 0; v < Vectors; ++v) wv[v] = _mm512_load_si512(w + v);
    for (int p = 0; p < Pixels; ++p) {
      std::int32_t elements;
      std::memcpy(&elements, x + p * pixel_bytes, sizeof(elements));
      const __m512i xv = _mm512_set1_epi32(elements);
      for (int v = 0; v < Vectors; ++v) sum[p][v] = Kind::add(sum[p][v], wv[v], xv);
    }
    w += Vectors;
  }
  alignas(64) Results results;
  for (int p = 0; p < Pixels; ++p)
    for (int v = 0; v < Vectors; ++v)
      _mm512_store_ps(&results[p][v * lanes], Kind::result(sum[p][v], work.weights, o + v * lanes));
  store_results(work, results, to, Pixels, o, std::min(Vectors * lanes, work.params.out_channels - o));
}

/// tiles[(pixels - 1) * tile_vectors + vectors - 1]
template <class Kind, std::size_t... I>
constexpr std::array<Tile, sizeof...(I)> tiles_of(std::index_sequence<I...>) {
  return {tile<Kind, I / tile_vectors + 1, I % tile_vectors + 1>...};
}
template <class Kind>
constexpr auto tiles = tiles_of<Kind>(std::make_index_sequence<tile_pixels * tile_vectors>());

const Tile* tiles_for(Element element) {
  return is_8bit(element) ? tiles<Int8>.data() : tiles<Brain16>.data();
}

/// Copies `count` bytes; signed elements of 8 bits become unsigned, 128 more.
void copy_elements(std::byte* to, const std::byte* from, std::int64_t count, std::byte flipped) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = from[i] ^ flipped;
}
