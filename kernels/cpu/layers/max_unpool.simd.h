// The loops of max_unpool.cpp, compiled for each instruction set.

/// A tap of a window, in all channels: it replaces smaller elements. A NaN replaces any.
template <class T>
GIEMSA_INLINE void challenge(T* best, std::uint8_t* taps, const T* in, std::int64_t channels, std::uint8_t tap) {
  for (std::int64_t c = 0; c < channels; ++c) {
    const float value = cpu::load(in[c]);
    const bool wins = value > cpu::load(best[c]) || value != value;
    best[c] = wins ? in[c] : best[c];
    taps[c] = wins ? tap : taps[c];
  }
}

/// A row of pooled pixels.
template <class T>
void pool_indices_row(const Nhwc& dst, std::uint8_t* taps, const Nhwc& src, const MaxUnpoolParams& params,
                      std::int64_t row) {
  const std::int64_t image = row / dst.h, y = row % dst.h;
  for (std::int64_t x = 0; x < dst.w; ++x) {
    const std::int64_t pixel = row * dst.w + x;
    T* best = dst.pixel<T>(pixel);
    std::uint8_t* tap = taps + pixel * dst.c;
    const auto source = [&](std::int64_t ky, std::int64_t kx) {
      return src.pixel<T>((image * src.h + y * params.stride.h + ky) * src.w + x * params.stride.w + kx);
    };
    std::copy_n(source(0, 0), dst.c, best);
    std::fill_n(tap, dst.c, std::uint8_t{0});
    for (std::int64_t place = 1; place < params.kernel.h * params.kernel.w; ++place)
      challenge(best, tap, source(place / params.kernel.w, place % params.kernel.w), dst.c,
                static_cast<std::uint8_t>(place));
  }
}

/// A row of unpooled pixels.
template <class T>
void unpool_row(const Nhwc& dst, const Nhwc& src, const std::uint8_t* taps, const MaxUnpoolParams& params,
                std::int64_t row) {
  const std::int64_t image = row / dst.h, y = row % dst.h, window_y = y / params.stride.h, ky = y % params.stride.h;
  for (std::int64_t x = 0; x < dst.w; ++x) {
    T* out = dst.pixel<T>(row * dst.w + x);
    const std::int64_t window_x = x / params.stride.w, kx = x % params.stride.w;
    if (window_y >= src.h || window_x >= src.w || ky >= params.kernel.h || kx >= params.kernel.w) {
      std::fill_n(out, dst.c, T{});
      continue;
    }
    const std::int64_t pixel = (image * src.h + window_y) * src.w + window_x;
    const T* in = src.pixel<T>(pixel);
    const std::uint8_t* tap = taps + pixel * src.c;
    const auto place = static_cast<std::uint8_t>(ky * params.kernel.w + kx);
    for (std::int64_t c = 0; c < dst.c; ++c) out[c] = tap[c] == place ? in[c] : T{};
  }
}
