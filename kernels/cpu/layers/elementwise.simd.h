// The loops of elementwise.cpp, compiled for each instruction set.

/// `factor` is src.scale / dst.scale, which is 1 but for elements of 8 bits.
template <class To, class From>
void copy_row(To* dst, const From* src, std::int64_t count, float factor) {
  if constexpr (std::is_same_v<To, From>) {
    if (factor == 1.0f) {
      std::copy_n(src, count, dst);
      return;
    }
  }
  if constexpr (sizeof(To) > 1 && sizeof(From) > 1)
    for (std::int64_t i = 0; i < count; ++i) store(dst[i], load(src[i]));
  else
    for (std::int64_t i = 0; i < count; ++i) store(dst[i], load(src[i]) * factor);
}
/// `count` pixels of three planes become interleaved, as those of every image do.
template <class T>
void interleave_3(T* to, const float* from, std::int64_t plane, std::int64_t count, float factor) {
  const float *r = from, *g = from + plane, *b = from + 2 * plane;
  for (std::int64_t x = 0; x < count; ++x) {
    store(to[3 * x], r[x] * factor);
    store(to[3 * x + 1], g[x] * factor);
    store(to[3 * x + 2], b[x] * factor);
  }
}
/// `count` interleaved pixels of two channels, a segmentation's logits, become two planes.
template <class T>
void separate_2(float* __restrict to, const T* __restrict from, std::int64_t plane, std::int64_t count, float factor) {
  float *first = to, *second = to + plane;
  for (std::int64_t x = 0; x < count; ++x) {
    first[x] = load(from[2 * x]) * factor;
    second[x] = load(from[2 * x + 1]) * factor;
  }
}
template <class T>
void add_row(T* dst, const T* a, const T* b, std::int64_t count, bool relu) {
  if (relu) {
    for (std::int64_t i = 0; i < count; ++i) {
      const float sum = load(a[i]) + load(b[i]);
      store(dst[i], sum < 0.0f ? 0.0f : sum);
    }
  } else {
    for (std::int64_t i = 0; i < count; ++i) store(dst[i], load(a[i]) + load(b[i]));
  }
}

template <class T>
void relu_row(T* dst, const T* src, std::int64_t count, float ceiling) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = load(src[i]);
    store(dst[i], value < 0.0f ? 0.0f : value > ceiling ? ceiling : value);
  }
}

template <class T>
void affine_row(T* dst, const T* src, const float* scale, const float* shift, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) store(dst[i], load(src[i]) * scale[i] + shift[i]);
}
