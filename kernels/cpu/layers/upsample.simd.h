// The loops of upsample.cpp, compiled for each instruction set.

/// Interpolates a row along x. Pixels of the input are `stride` elements apart, those of the output are adjacent.
template <class In>
void widen_row(const RowTaps& taps, const In* in, std::int64_t width, std::int64_t inner, std::int64_t stride,
               float* out) {
  if (inner == 1 && stride == 1) {
    for (std::int64_t x = 0; x < width; ++x)
      out[x] = cpu::load(in[taps.i0[x]]) * taps.w0[x] + cpu::load(in[taps.i1[x]]) * taps.w1[x];
    return;
  }
  for (std::int64_t x = 0; x < width; ++x) {
    const In *a = in + taps.i0[x] * stride, *b = in + taps.i1[x] * stride;
    const float w0 = taps.w0[x], w1 = taps.w1[x];
    for (std::int64_t c = 0; c < inner; ++c) out[x * inner + c] = cpu::load(a[c]) * w0 + cpu::load(b[c]) * w1;
  }
}

/// Interpolates between two widened rows, times `factor`.
template <class Out>
void blend_rows(const float* a, const float* b, float w0, float w1, float factor, std::int64_t n, Out* out) {
  for (std::int64_t i = 0; i < n; ++i) cpu::store(out[i], (a[i] * w0 + b[i] * w1) * factor);
}

/// Decides `n` pixels, whose logits are logit(channel, x).
template <class Logit>
GIEMSA_INLINE void decide(const Logit& logit, std::int64_t n, const Decision& decision, std::uint8_t* mask) {
  const auto [channels, limit, cells] = decision;
  if (channels == 1) {
    for (std::int64_t x = 0; x < n; ++x) mask[x] = logit(0, x) > limit;
  } else if (channels == 2) {
    const std::int64_t cell = cells & 1 ? 0 : 1;
    for (std::int64_t x = 0; x < n; ++x) mask[x] = logit(cell, x) - logit(1 - cell, x) > limit;
  } else {
    for (std::int64_t x = 0; x < n; ++x) {
      float greatest = -std::numeric_limits<float>::infinity();  // of the others
      for (std::int64_t c = 0; c < channels; ++c)
        if (!(cells >> c & 1) && !(logit(c, x) <= greatest)) greatest = logit(c, x);
      float odds = 0.0f, others = 0.0f;
      for (std::int64_t c = 0; c < channels; ++c) {
        const float l = logit(c, x), e = l == greatest ? 1.0f : std::exp(l - greatest);
        (cells >> c & 1 ? odds : others) += e;
      }
      mask[x] = odds > limit * others;
    }
  }
}

/// Decides n pixels of logits {C, stride}.
void decide_plain(const float* logits, std::int64_t stride, std::int64_t n, const Decision& decision,
                  std::uint8_t* mask) {
  decide([=](std::int64_t c, std::int64_t x) { return logits[c * stride + x]; }, n, decision, mask);
}

/// The same of two widened rows {C, n}, blended with w0 and w1.
void decide_blended(const float* a, const float* b, float w0, float w1, std::int64_t n, const Decision& decision,
                    std::uint8_t* mask) {
  decide([=](std::int64_t c, std::int64_t x) { return a[c * n + x] * w0 + b[c * n + x] * w1; }, n, decision, mask);
}
