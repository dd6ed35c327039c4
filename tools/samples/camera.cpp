#include "tools/samples/camera.h"

#include "tools/samples/noise.h"

namespace giemsa::samples {
namespace {

/// One pass of the binomial filter 1 2 1, edges repeated: adds half a pixel squared of variance in each direction.
void blur(Plane<Colour>& plane) {
  const auto average = [](Colour a, Colour b, Colour c) {
    return Colour{(a.r + 2 * b.r + c.r) * 0.25f, (a.g + 2 * b.g + c.g) * 0.25f, (a.b + 2 * b.b + c.b) * 0.25f};
  };
  for (int y = 0; y < plane.height; ++y) {
    Colour* row = &plane.at(0, y);
    Colour before = row[0];
    for (int x = 0; x < plane.width; ++x) {
      const Colour here = row[x], after = row[std::min(x + 1, plane.width - 1)];
      row[x] = average(before, here, after);
      before = here;
    }
  }
  std::vector<Colour> above(plane.pixels.begin(), plane.pixels.begin() + plane.width);
  for (int y = 0; y < plane.height; ++y) {
    Colour* row = &plane.at(0, y);
    const Colour* below = &plane.at(0, std::min(y + 1, plane.height - 1));
    for (int x = 0; x < plane.width; ++x) {
      const Colour here = row[x];
      row[x] = average(above[static_cast<std::size_t>(x)], here, below[x]);
      above[static_cast<std::size_t>(x)] = here;
    }
  }
}

std::uint8_t to_byte(float value) {
  return static_cast<std::uint8_t>(std::clamp(value * 255 + 0.5f, 0.0f, 255.0f));
}

}  // namespace

Frame photograph(Canvas& canvas, Colour background, Random& random) {
  Plane<Colour>& light = canvas.light;
  const int passes = random.integer(2, 6);
  for (int i = 0; i < passes; ++i) blur(light);

  const Vec tilt = random.step(0, 0.05f);
  const float vignette = random.uniform(0, 0.06f);
  const float noise_level = random.uniform(0.004f, 0.010f);
  const std::uint32_t unevenness = random.seed();
  const float span = static_cast<float>(std::max(light.width, light.height));

  Frame frame(light.width, light.height);
  for (int y = 0; y < light.height; ++y) {
    for (int x = 0; x < light.width; ++x) {
      const Vec p{(static_cast<float>(x) - static_cast<float>(light.width) / 2) / span,
                  (static_cast<float>(y) - static_cast<float>(light.height) / 2) / span};
      const float lamp = 1 + dot(tilt, p) - vignette * dot(p, p) * 4 + 0.02f * noise(unevenness, p * 5);
      const Colour seen = background * light.at(x, y) * lamp;
      // One draw a pixel: three independent triangular deviates from its six fields of ten bits.
      const std::uint64_t bits = random.bits();
      const auto deviate = [&](int shift) {
        const auto field = [&](int from) { return static_cast<float>((bits >> from) & 1023u) * 0x1p-10f; };
        return (field(shift) + field(shift + 10) - 1) * 2 * noise_level;
      };
      std::uint8_t* rgb = frame.at(x, y);
      const float shared = deviate(0);
      rgb[0] = to_byte(seen.r + shared);
      rgb[1] = to_byte(seen.g + 0.7f * shared + 0.5f * deviate(20));
      rgb[2] = to_byte(seen.b + 0.5f * shared + deviate(40));
    }
  }
  return frame;
}

}  // namespace giemsa::samples
