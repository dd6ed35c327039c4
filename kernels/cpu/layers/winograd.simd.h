// The loops of winograd.cpp, compiled for AVX-512.

using Vector = __m512;

/// B' d B of all channels of one tile. A product reads six tiles together, front to back: [channel / 16][tile][channel
/// modulo 16]. Tile t of a block begins at out, one position's blocks `stride` after the last one's.
void transform_input(float* out, std::int64_t stride, const Nhwc& src, const ConvolutionParams& params,
                     const WinogradTile& tile) {
  const float* from[4][4];
  for (std::int64_t i = 0; i < 4; ++i)
    for (std::int64_t j = 0; j < 4; ++j) {
      const std::int64_t y = tile.y - params.window.padding.h + i * params.window.dilation.h,
                         x = tile.x - params.window.padding.w + j * params.window.dilation.w;
      const bool inside = y >= 0 && y < src.h && x >= 0 && x < src.w;
      from[i][j] = inside ? src.pixel<float>((tile.image * src.h + y) * src.w + x) : nullptr;
    }
  for (std::int64_t c = 0; c < src.c; c += lanes, out += block_tiles * lanes) {
    Vector rows[4][4];  // B' d
    for (int j = 0; j < 4; ++j) {
      Vector d[4];
      for (int i = 0; i < 4; ++i) d[i] = from[i][j] ? _mm512_loadu_ps(from[i][j] + c) : Vector{};
      rows[0][j] = d[0] - d[2];
      rows[1][j] = d[1] + d[2];
      rows[2][j] = d[2] - d[1];
      rows[3][j] = d[1] - d[3];
    }
    for (int i = 0; i < 4; ++i) {
      float* to = out + 4 * i * stride;
      _mm512_storeu_ps(to, rows[i][0] - rows[i][2]);
      _mm512_storeu_ps(to + stride, rows[i][1] + rows[i][2]);
      _mm512_storeu_ps(to + 2 * stride, rows[i][2] - rows[i][1]);
      _mm512_storeu_ps(to + 3 * stride, rows[i][1] - rows[i][3]);
    }
  }
}

/// Tiles rows of a product: Vectors of outputs.
template <int Tiles, int Vectors>
void multiply_block(float* out, std::int64_t out_stride, const float* in, std::int64_t channels,
                    const WinogradLine* w) {
  Vector sum[Tiles][Vectors] = {};
  for (std::int64_t c = 0; c < channels; c += lanes, in += block_tiles * lanes) {
    for (int t = 0; t < Tiles; ++t) prefetch<3>(in, t * lanes + inputs_ahead);
    for (int i = 0; i < lanes; ++i, w += Vectors) {
      Vector wv[Vectors];
      for (int v = 0; v < Vectors; ++v) {
        prefetch<3>(w, v + weights_ahead);
        wv[v] = _mm512_load_ps(w[v].value);
      }
      for (int t = 0; t < Tiles; ++t) {
        const Vector x = _mm512_set1_ps(in[t * lanes + i]);
        for (int v = 0; v < Vectors; ++v) sum[t][v] = _mm512_fmadd_ps(wv[v], x, sum[t][v]);
      }
    }
  }
  for (int t = 0; t < Tiles; ++t)
    for (int v = 0; v < Vectors; ++v) _mm512_storeu_ps(out + t * out_stride + v * lanes, sum[t][v]);
}

using Block = void (*)(float*, std::int64_t, const float*, std::int64_t, const WinogradLine*);

/// blocks[(tiles - 1) * block_vectors + vectors - 1]
template <std::size_t... I>
constexpr std::array<Block, sizeof...(I)> blocks_of(std::index_sequence<I...>) {
  return {multiply_block<I / block_vectors + 1, I % block_vectors + 1>...};
}
constexpr auto blocks = blocks_of(std::make_index_sequence<block_tiles * block_vectors>());

/// {tiles, channels} x {channels, vectors of outputs}. `in` begins with a block.
void multiply(float* out, std::int64_t out_stride, const float* in, std::int64_t tiles, std::int64_t channels,
              const WinogradLine* w, std::int64_t vectors) {
  for (std::int64_t t = 0; t < tiles; t += block_tiles) {
    const std::int64_t here = std::min<std::int64_t>(block_tiles, tiles - t);
    blocks[static_cast<std::size_t>((here - 1) * block_vectors + vectors - 1)](out + t * out_stride, out_stride,
                                                                               in + t * channels, channels, w);
  }
}

/// A' m A of one tile, where m of position p and output o is in[p * stride + o]; bias, activation.
void transform_output(const Nhwc& dst, const WinogradTile& tile, const ConvolutionParams& params, const float* in,
                      std::int64_t stride, const float* bias) {
  float* to[2][2];
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t j = 0; j < 2; ++j) {
      const std::int64_t y = tile.y + i * params.window.dilation.h, x = tile.x + j * params.window.dilation.w;
      to[i][j] = y < dst.h && x < dst.w ? dst.pixel<float>((tile.image * dst.h + y) * dst.w + x) : nullptr;
    }
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const Vector least = _mm512_set1_ps(params.relu ? 0.0f : -infinity);
  const Vector most = _mm512_set1_ps(params.relu ? params.ceiling : infinity);
  for (std::int64_t o = 0; o < dst.c; o += lanes) {
    Vector rows[2][4];  // A' m
    for (int j = 0; j < 4; ++j) {
      Vector m[4];
      for (int i = 0; i < 4; ++i) m[i] = _mm512_loadu_ps(in + (4 * i + j) * stride + o);
      rows[0][j] = m[0] + m[1] + m[2];
      rows[1][j] = m[1] - m[2] - m[3];
    }
    const Vector b = _mm512_loadu_ps(bias + o);
    for (int i = 0; i < 2; ++i) {
      const Vector left = rows[i][0] + rows[i][1] + rows[i][2] + b, right = rows[i][1] - rows[i][2] - rows[i][3] + b;
      // The order of operands lets a NaN through.
      if (to[i][0]) _mm512_storeu_ps(to[i][0] + o, _mm512_min_ps(most, _mm512_max_ps(least, left)));
      if (to[i][1]) _mm512_storeu_ps(to[i][1] + o, _mm512_min_ps(most, _mm512_max_ps(least, right)));
    }
  }
}
