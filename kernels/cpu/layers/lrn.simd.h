// The loops of lrn.cpp, compiled for each instruction set.

/// out[i] = in[i] / (k + alpha/size * sum[i])^beta. The usual beta, 0.75, takes square roots, which vectorise: each
/// rounds once, which leaves an error of under 2^-22.
GIEMSA_INLINE void divide(const LrnParams& params, const float* in, const float* sum, std::int64_t n, float* out) {
  const float scale = params.alpha / static_cast<float>(params.size), k = params.k, beta = params.beta;
  if (beta == 0.75f) {
    for (std::int64_t i = 0; i < n; ++i) {
      const float root = std::sqrt(k + scale * sum[i]);
      out[i] = in[i] / (root * std::sqrt(root));
    }
  } else {
    for (std::int64_t i = 0; i < n; ++i) out[i] = in[i] / std::pow(k + scale * sum[i], beta);
  }
}

/// One pixel. Squares are laid out with their neighbours, which may belong to the blocks before and after.
void normalise_pixel(const LrnParams& params, const float* in, std::int64_t channels, float* out) {
  const std::int64_t reach = params.size / 2;
  float square[lrn_block + lrn_max_size], sum[lrn_block];
  const auto square_of = [&](std::int64_t c) { return c < 0 || c >= channels ? 0.0f : in[c] * in[c]; };
  for (std::int64_t c = 0; c < channels; c += lrn_block) {
    const std::int64_t size = std::min(lrn_block, channels - c);
    for (std::int64_t j = 0; j < reach; ++j) square[j] = square_of(c - reach + j);
    for (std::int64_t i = 0; i < size; ++i) square[reach + i] = in[c + i] * in[c + i];
    for (std::int64_t j = 0; j < reach; ++j) square[reach + size + j] = square_of(c + size + j);
    std::fill(sum, sum + size, 0.0f);
    for (std::int64_t d = 0; d < params.size; ++d)
      for (std::int64_t i = 0; i < size; ++i) sum[i] += square[d + i];
    divide(params, in + c, sum, size, out + c);
  }
}
