// The loops of resize.cpp, compiled for each instruction set.

GIEMSA_INLINE std::uint8_t to_u8(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> fraction_bits, 0, 255));
}

/// One row along x.
void resample_row(const ResizeAxis& axis, const std::uint8_t* in, std::uint8_t* out) {
  for (std::int32_t x = 0; x < axis.out; ++x) {
    const std::uint8_t* pixel = in + std::int64_t{axis.first[x]} * 3;
    const std::int32_t* weight = axis.weight + std::int64_t{x} * axis.stride;
    std::int32_t red = one_half, green = one_half, blue = one_half;
    for (std::int32_t t = 0; t < axis.count[x]; ++t, pixel += 3) {
      red += weight[t] * pixel[0];
      green += weight[t] * pixel[1];
      blue += weight[t] * pixel[2];
    }
    out[x * 3 + 0] = to_u8(red);
    out[x * 3 + 1] = to_u8(green);
    out[x * 3 + 2] = to_u8(blue);
  }
}

/// out[i] = sum over t of weight[t] * in[t * row_bytes + i]: one row along y.
void blend_rows(const std::uint8_t* in, std::int64_t row_bytes, const std::int32_t* weight, std::int32_t count,
                std::int64_t n, std::uint8_t* out) {
  constexpr std::int64_t block = 512;  // sums stay in the first-level cache
  std::int32_t sum[block];
  for (std::int64_t begin = 0; begin < n; begin += block) {
    const std::int64_t size = std::min(block, n - begin);
    std::fill(sum, sum + size, one_half);
    for (std::int32_t t = 0; t < count; ++t) {
      const std::uint8_t* row = in + t * row_bytes + begin;
      const std::int32_t w = weight[t];
      for (std::int64_t i = 0; i < size; ++i) sum[i] += w * row[i];
    }
    for (std::int64_t i = 0; i < size; ++i) out[begin + i] = to_u8(sum[i]);
  }
}
