#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "tools/image_io/decode.h"
#include "tools/samples/smear_generator.h"

using namespace giemsa;

namespace {

const std::filesystem::path kSamples = std::filesystem::path(GIEMSA_SOURCE_DIR) / "tools/samples";
constexpr std::uint64_t kFirstSample = 375, kSampleCount = 6;

SyntheticSmear smear_of(std::uint64_t seed, int width = 160, int height = 120) {
  return generate_smear({.width = width, .height = height, .seed = seed});
}

/// FNV-1a, 64 bits.
std::uint64_t hash(const std::vector<std::uint8_t>& bytes) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const std::uint8_t byte : bytes) h = (h ^ byte) * 0x100000001b3u;
  return h;
}

/// Whether mask, labels, boxes and areas tell the same story.
void check_truth(const SyntheticSmear& smear) {
  REQUIRE(smear.mask.pixels.size() == smear.labels.pixels.size());
  std::vector<SyntheticCell> seen(smear.cells.size());
  for (int y = 0; y < smear.labels.height; ++y) {
    for (int x = 0; x < smear.labels.width; ++x) {
      const std::uint16_t label = smear.labels.at(x, y);
      const std::uint8_t mask = smear.mask.at(x, y);
      REQUIRE((mask == 0 || mask == 128 || mask == 255));
      REQUIRE((mask > 0) == (label > 0));
      if (label == 0) continue;
      REQUIRE(label <= smear.cells.size());
      const SyntheticCell& cell = smear.cells[label - 1u];
      SyntheticCell& found = seen[label - 1u];
      REQUIRE((x >= cell.x && x < cell.x + cell.width && y >= cell.y && y < cell.y + cell.height));
      ++found.area;
      // A box is tight where its first and last rows and columns each hold a pixel.
      found.x |= x == cell.x;
      found.y |= y == cell.y;
      found.width |= x == cell.x + cell.width - 1;
      found.height |= y == cell.y + cell.height - 1;
    }
  }
  for (std::size_t n = 0; n < seen.size(); ++n) {
    CAPTURE(n);
    CHECK(seen[n].area == smear.cells[n].area);
    CHECK(seen[n].area > 0);
    CHECK((seen[n].x && seen[n].y && seen[n].width && seen[n].height));
  }
}

}  // namespace

TEST_CASE("smear: the seed decides every pixel") {
  const SyntheticSmear first = smear_of(7), again = smear_of(7), other = smear_of(8);
  CHECK(first.frame.rgb == again.frame.rgb);
  CHECK(first.labels.pixels == again.labels.pixels);
  CHECK(first.frame.rgb != other.frame.rgb);
}

TEST_CASE("smear: pixels are those of every other compiler") {
  struct Case {
    int width, height;
    std::uint64_t seed, expected;
  };
  for (const Case& c : {Case{640, 480, 375, 14308448412354445228u}, Case{640, 480, 1, 15372762257025941466u},
                        Case{33, 31, 2, 3488375426999858124u}, Case{2000, 3, 3, 18307540882564654073u}}) {
    const std::uint64_t got = hash(smear_of(c.seed, c.width, c.height).frame.rgb);
    CHECK_MESSAGE(got == c.expected, c.width << "x" << c.height << " seed " << c.seed << ": got " << got);
  }
}

TEST_CASE("smear: the committed samples are what the generator makes") {
  std::string labels = "image,classes,fold\n";
  for (std::uint64_t seed = kFirstSample; seed < kFirstSample + kSampleCount; ++seed) {
    CAPTURE(seed);
    const SyntheticSmear smear = generate_smear({.seed = seed});
    const std::string stem = cat("smear-0", seed);
    CHECK(decode_image(kSamples / "images" / (stem + ".png")).rgb == smear.frame.rgb);

    const Frame mask = decode_image(kSamples / "masks" / (stem + ".png"));
    REQUIRE(mask.rgb.size() == smear.mask.pixels.size() * 3);
    bool same = true;
    for (std::size_t i = 0; i < smear.mask.pixels.size(); ++i) same &= mask.rgb[i * 3] == smear.mask.pixels[i];
    CHECK(same);

    labels += stem;
    for (std::size_t n = 0; n < smear.cells.size(); ++n)
      labels += cat(n == 0 ? "," : ";", to_string(smear.cells[n].kind));
    labels += cat(",", seed % 10, "\n");
  }
  std::ifstream file(kSamples / "labels.csv");
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == labels);
}

TEST_CASE("smear: mask, labels and boxes agree") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    CAPTURE(seed);
    check_truth(smear_of(seed, 400, 300));
  }
}

TEST_CASE("smear: every class is drawn, with nucleus and cytoplasm") {
  for (const CellClass kind : SampleOptions{}.classes) {
    CAPTURE(to_string(kind));
    const SyntheticSmear smear = generate_smear({.width = 400, .height = 300, .white_cells = 1, .classes = {kind}});
    REQUIRE(smear.cells.size() == 1);
    CHECK(smear.cells[0].kind == kind);
    CHECK(std::count(smear.mask.pixels.begin(), smear.mask.pixels.end(), 128) > 100);
    CHECK(std::count(smear.mask.pixels.begin(), smear.mask.pixels.end(), 255) > 100);
  }
}

TEST_CASE("smear: all classes come up by default") {
  std::vector<bool> drawn(SampleOptions{}.classes.size());
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    for (const SyntheticCell& cell : smear_of(seed).cells) drawn[static_cast<std::size_t>(cell.kind)] = true;
  CHECK(std::count(drawn.begin(), drawn.end(), true) == 5);
}

TEST_CASE("smear: as many cells as asked for, as far as they fit") {
  CHECK(generate_smear({.white_cells = 0}).cells.empty());
  CHECK(generate_smear({.white_cells = 4}).cells.size() == 4);
  const SyntheticSmear crowded = generate_smear({.white_cells = 1000});
  CHECK(crowded.cells.size() > 4);
  CHECK(crowded.cells.size() < 100);
  check_truth(crowded);
}

TEST_CASE("smear: cells of a group touch, and their truth is their own") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    CAPTURE(seed);
    const SyntheticSmear smear =
        generate_smear({.width = 900, .height = 700, .seed = seed, .white_cells = 2, .group = 2, .overlap = 0.1f});
    check_truth(smear);
    if (smear.cells.size() < 2) continue;  // no room beside the first
    // Along the line between the middles, the background between the two is no more than what the rims wander.
    bool touch = false;
    const Labels& labels = smear.labels;
    for (int y = 3; y + 3 < labels.height && !touch; ++y)
      for (int x = 3; x + 3 < labels.width && !touch; ++x)
        for (int dy = -3; dy <= 3; ++dy)
          for (int dx = -3; dx <= 3; ++dx)
            touch = touch || (labels.at(x, y) == 1 && labels.at(x + dx, y + dy) == 2);
    CHECK(touch);
  }
  CHECK(generate_smear({.width = 1200, .height = 900, .seed = 3, .group = 5}).cells.size() >= 2);
}

TEST_CASE("smear: odd sizes") {
  struct Size {
    int width, height;
  };
  for (const Size size : {Size{1, 1}, Size{31, 33}, Size{2000, 3}, Size{1, 700}}) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      CAPTURE(size.width);
      CAPTURE(seed);
      const SyntheticSmear smear = smear_of(seed, size.width, size.height);
      CHECK(smear.frame.width == size.width);
      CHECK(smear.frame.height == size.height);
      check_truth(smear);
    }
  }
}

TEST_CASE("smear: options out of range are refused") {
  CHECK_THROWS_AS(generate_smear({.width = 0}), Error);
  CHECK_THROWS_AS(generate_smear({.height = -1}), Error);
  CHECK_THROWS_AS(generate_smear({.width = 99999, .height = 99999}), Error);
  CHECK_THROWS_AS(generate_smear({.classes = {}}), Error);
  CHECK_THROWS_AS(generate_smear({.pixels_per_micron = 0}), Error);
  CHECK_THROWS_AS(generate_smear({.stain_variation = 2}), Error);
  CHECK_THROWS_AS(generate_smear({.group = 0}), Error);
  CHECK_THROWS_AS(generate_smear({.group = 6}), Error);
  CHECK_THROWS_AS(generate_smear({.overlap = 0.6f}), Error);
}
