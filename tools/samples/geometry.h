// Points and colours. Only + - * / and sqrt, which IEEE 754 rounds one way: no libm, so pictures are the same
// everywhere.
#pragma once

#include <algorithm>
#include <cmath>

namespace giemsa::samples {

/// A point or offset on the slide, in micrometres; x to the right, y downwards.
struct Vec {
  float x = 0, y = 0;
  friend Vec operator+(Vec a, Vec b) { return {a.x + b.x, a.y + b.y}; }
  friend Vec operator-(Vec a, Vec b) { return {a.x - b.x, a.y - b.y}; }
  friend Vec operator*(Vec a, float s) { return {a.x * s, a.y * s}; }
};

inline float dot(Vec a, Vec b) {
  return a.x * b.x + a.y * b.y;
}
inline float length(Vec a) {
  return std::sqrt(dot(a, a));
}

/// `p` seen from a frame whose x axis points along the unit vector `axis`.
inline Vec into_frame(Vec p, Vec axis) {
  return {dot(p, axis), axis.x * p.y - axis.y * p.x};
}

/// The unit vector at `turns` full turns: two parabolas a turn, refined once (length right to 0.2 %).
inline Vec direction(float turns) {
  const auto sine = [](float t) {
    t -= std::floor(t + 0.5f);
    const float parabola = t * (8 - 16 * std::abs(t));
    return parabola * (0.775f + 0.225f * std::abs(parabola));
  };
  return {sine(turns + 0.25f), sine(turns)};
}

/// Red, green and blue, as fractions of the light that falls on the slide.
struct Colour {
  float r = 1, g = 1, b = 1;
  friend Colour operator*(Colour c, Colour d) { return {c.r * d.r, c.g * d.g, c.b * d.b}; }
  friend Colour operator*(Colour c, float s) { return {c.r * s, c.g * s, c.b * s}; }
};

inline float mix(float a, float b, float t) {
  return a + (b - a) * t;
}
inline Colour mix(Colour a, Colour b, float t) {
  return {mix(a.r, b.r, t), mix(a.g, b.g, t), mix(a.b, b.b, t)};
}

/// 0 below `low`, 1 above `high`, smooth between.
inline float smoothstep(float low, float high, float x) {
  const float t = std::clamp((x - low) / (high - low), 0.0f, 1.0f);
  return t * t * (3 - 2 * t);
}

/// 1 inside a shape, 0 outside, by the signed distance to its edge (negative inside), over an edge `softness` wide.
inline float coverage(float distance, float softness) {
  return 1 - smoothstep(-softness, softness, distance);
}

}  // namespace giemsa::samples
