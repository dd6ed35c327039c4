#include <algorithm>
#include <set>

#include "tests/io/support.h"
#include "tools/pictures/lettering.h"
#include "tools/pictures/overlay.h"

using namespace giemsa;
using namespace giemsa::test;

namespace {

const std::vector<std::string> classes = {"lymphocyte", "a class with a name that is longer than most images are wide",
                                          "naïve"};

/// A picture of one grey with a filled rectangle a cell.
struct Scene {
  Scene(int width, int height) : frame(width, height), labels(width, height) {
    std::fill(frame.rgb.begin(), frame.rgb.end(), std::uint8_t{200});
  }
  void add(int x, int y, int w, int h, int class_index = 0) {
    const int id = static_cast<int>(cells.size()) + 1;
    cells.push_back(
        {.id = id, .x = x, .y = y, .w = w, .h = h, .class_index = class_index, .probabilities = {0.9f, 0.9f, 0.9f}});
    for (int v = y; v < y + h; ++v)
      for (int u = x; u < x + w; ++u) labels.at(u, v) = static_cast<std::uint16_t>(id);
  }
  Frame draw() const { return draw_overlay(frame, labels, cells, classes); }

  Frame frame;
  Labels labels;
  std::vector<Cell> cells;
};

Color color_at(const Frame& frame, int x, int y) {
  return {frame.at(x, y)[0], frame.at(x, y)[1], frame.at(x, y)[2]};
}

bool any_pixel(const Frame& frame, int x0, int y0, int x1, int y1, const Color& color) {
  for (int y = y0; y < y1; ++y)
    for (int x = x0; x < x1; ++x)
      if (color_at(frame, x, y) == color) return true;
  return false;
}

constexpr Color grey = {200, 200, 200};

}  // namespace

TEST_CASE("a cell's border takes its class's color; its inside and the far background stay") {
  Scene scene(320, 240);
  scene.add(100, 100, 60, 50, 2);
  const Frame picture = scene.draw();
  for (const auto& [x, y] : {std::pair{100, 120}, {159, 120}, {130, 100}, {130, 149}})
    CHECK(color_at(picture, x, y) == class_color(2));
  CHECK(color_at(picture, 130, 125) == grey);
  CHECK(color_at(picture, 10, 230) == grey);
  CHECK(any_pixel(picture, 90, 70, 170, 96, class_color(2)));  // the tag above
}

TEST_CASE("without cells the picture is the image") {
  CHECK(Scene(40, 30).draw().rgb == Scene(40, 30).frame.rgb);
}

TEST_CASE("touching cells keep their own lines") {
  Scene scene(200, 200);
  scene.add(50, 80, 40, 40, 0);
  scene.add(90, 80, 40, 40, 1);
  const Frame picture = scene.draw();
  CHECK(color_at(picture, 89, 100) == class_color(0));
  CHECK(color_at(picture, 90, 100) == class_color(1));
}

TEST_CASE("a tag moves inside: below at the top edge, inwards at the sides") {
  Scene scene(320, 240);
  scene.add(0, 0, 30, 30);
  scene.add(290, 210, 30, 30);
  const Frame picture = scene.draw();
  CHECK(any_pixel(picture, 0, 34, 60, 60, class_color(0)));
  CHECK(any_pixel(picture, 250, 180, 320, 206, class_color(0)));
}

TEST_CASE("nothing is drawn outside, whatever the image's shape") {
  for (const auto& [width, height] : {std::pair{1, 1}, {20000, 3}, {3, 20000}, {2, 2}, {31, 33}, {5000, 10}}) {
    CAPTURE(width);
    CAPTURE(height);
    for (int class_index = 0; class_index < 3; ++class_index) {
      Scene scene(width, height);
      scene.add(0, 0, width, height, class_index);
      CHECK(scene.draw().rgb.size() == scene.frame.rgb.size());
    }
  }
}

TEST_CASE("text is as wide as its characters, one '?' for what is not ASCII, and clipped at any place") {
  CHECK(text_width("abc", 2) == 36);
  CHECK(text_width("na\xc3\xaf"
                   "ve",
                   1) == text_width("na?ve", 1));
  Frame frame(30, 20);
  for (const int x : {-1000, -25, 0, 25, 1000})
    for (const int y : {-1000, -15, 0, 15, 1000}) draw_text(frame, x, y, 2, "Wq\x7f\n\xff", {255, 255, 255});
  CHECK(any_pixel(frame, 0, 0, 30, 20, {255, 255, 255}));
}

TEST_CASE("every printable character but the space leaves ink, and no two are alike") {
  std::set<std::string> glyphs;
  for (char c = ' '; c <= '~'; ++c) {
    Frame frame(24, 36);
    draw_text(frame, 0, 0, 4, std::string_view(&c, 1), {255, 255, 255});
    CHECK((std::count(frame.rgb.begin(), frame.rgb.end(), 255) > 0) == (c != ' '));
    CHECK(glyphs.emplace(frame.rgb.begin(), frame.rgb.end()).second);
  }
}
