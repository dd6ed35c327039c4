// The loops of quantize.cpp, compiled for each instruction set.

/// Returns the row's scale.
float quantize_row(std::int8_t* to, const float* from, std::int64_t count) {
  float largest = 0;
  for (std::int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(from[i]));
  const float scale = largest > 0 ? largest / 127 : 1;
  for (std::int64_t i = 0; i < count; ++i) store(to[i], from[i] / scale);
  return scale;
}
