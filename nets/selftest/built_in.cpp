#include "nets/selftest/built_in.h"

#include "engine/base/split_mix.h"

namespace giemsa::selftest {

namespace {

constexpr int width = 160, height = 120;

using Colour = std::array<int, 3>;
constexpr Colour plasma{228, 216, 220}, red_cell{214, 150, 152}, pallor{222, 180, 182}, cytoplasm{188, 160, 204},
    nucleus{84, 44, 132};

struct Disc {
  int x, y, radius;
  Colour colour;
};

/// Lobes of nuclei on cytoplasm; the last cell is cut off by the edge, the two before it lie close together.
constexpr std::array white_cells{
    Disc{30, 30, 17, cytoplasm},  Disc{26, 26, 8, nucleus},    Disc{36, 30, 7, nucleus},
    Disc{28, 37, 7, nucleus},     Disc{92, 28, 14, cytoplasm}, Disc{92, 28, 11, nucleus},
    Disc{52, 86, 18, cytoplasm},  Disc{46, 84, 10, nucleus},   Disc{58, 90, 9, nucleus},
    Disc{112, 80, 15, cytoplasm}, Disc{112, 80, 10, nucleus},  Disc{153, 60, 15, cytoplasm},
    Disc{154, 60, 10, nucleus},
};

/// As the engine's CPU backend gives them in fp32, its CUDA backend under the emulator (tests/cuda/test_selftest.cpp),
/// and PyTorch in fp64 (tests/acceptance/selftest_against_torch.py).
constexpr std::array cells{
    KnownCell{12, 18, 32, 27, 513, 4, {0.064161f, 0.275569f, 0.095403f, 0.000842f, 0.564025f}},
    KnownCell{81, 19, 21, 19, 309, 1, {0.073608f, 0.626989f, 0.086093f, 0.003675f, 0.209636f}},
    KnownCell{146, 53, 12, 18, 162, 1, {0.117256f, 0.555302f, 0.089041f, 0.004378f, 0.234022f}},
    KnownCell{101, 71, 22, 23, 364, 4, {0.074660f, 0.354934f, 0.115980f, 0.003092f, 0.451334f}},
    KnownCell{33, 75, 34, 26, 584, 1, {0.152632f, 0.403242f, 0.063773f, 0.002536f, 0.377817f}},
};

void paint(Frame& frame, const Disc& disc) {
  for (int y = disc.y - disc.radius; y <= disc.y + disc.radius; ++y)
    for (int x = disc.x - disc.radius; x <= disc.x + disc.radius; ++x) {
      const int dx = x - disc.x, dy = y - disc.y;
      if (x < 0 || y < 0 || x >= width || y >= height || dx * dx + dy * dy > disc.radius * disc.radius) continue;
      for (std::size_t c = 0; c < 3; ++c) frame.at(x, y)[c] = static_cast<std::uint8_t>(disc.colour[c]);
    }
}

}  // namespace

Frame picture() {
  Frame frame(width, height);
  SplitMix64 random(1);
  const auto below = [&random](int limit) { return static_cast<int>(random.bits() >> 40) % limit; };
  for (std::size_t i = 0; i < frame.rgb.size(); ++i) frame.rgb[i] = static_cast<std::uint8_t>(plasma[i % 3]);
  for (int row = 0; row < 5; ++row)
    for (int column = 0; column < 7; ++column) {
      const int x = 12 + 23 * column + below(7), y = 12 + 24 * row + below(7);
      paint(frame, {x, y, 9 + below(3), red_cell});
      paint(frame, {x, y, 4, pallor});
    }
  for (const Disc& disc : white_cells) paint(frame, disc);
  for (std::uint8_t& value : frame.rgb) value = static_cast<std::uint8_t>(value + below(13) - 6);
  return frame;
}

Model segmenter() {
  constexpr std::uint64_t seed = 51;  // of 700 one of those whose logits tell nuclei best from the rest
  constexpr float bias = -0.05273f;
  Model model = random_model("deeplabv3plus", "smp", seed, 4);
  model.file = "built-in segmenter";
  model.info.input = {{96, 128}, 0};
  model.tensors["segmentation_head.0.bias"] = Tensor::from(Shape{2}, {0.0f, bias});
  return model;
}

Model classifier() {
  constexpr std::uint64_t seed = 1;
  Model model = random_model("alexnet", "torchvision", seed, 4);
  model.file = "built-in classifier";
  model.info.input = {{64, 64}, 0};
  return model;
}

SmearOptions options() {
  SmearOptions options;
  options.min_area = 40;
  return options;
}

std::span<const KnownCell> known_cells() {
  return cells;
}

std::string_view known_labels_sha256() {
  return "d9842da810a4a430a03168ec30192307d2fa75ef4a54325a83b46df64c8f9450";
}

}  // namespace giemsa::selftest
