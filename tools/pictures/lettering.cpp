#include "tools/pictures/lettering.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace giemsa {
namespace {

constexpr int glyph_columns = 5, glyph_rows = 9, glyph_pitch = 6, glyphs_per_strip = 19;

// The printable ASCII characters, side by side. Capitals stand on row 7 of 9.
// clang-format off
constexpr std::array<std::string_view, 5 * glyph_rows> strips = {
    // (space) ! " # $ % & ' ( ) * + , - . / 0 1 2
    "........#....#.#...#.#....#...##.....##.....#......#...#......................................#..###....#....###.",
    "........#....#.#...#.#...####.##..#.#..#....#.....#.....#.....#.....#.........................#.#...#..##...#...#",
    "........#.........#####.#.#......#..#.#..........#.......#..#.#.#...#........................#..#..##...#.......#",
    "........#..........#.#...###....#....#...........#.......#...###..#####.......#####.........#...#.#.#...#......#.",
    "........#.........#####...#.#..#....#.#.#........#.......#..#.#.#...#......................#....##..#...#.....#..",
    "...................#.#..####..#..##.#..#..........#.....#.....#.....#.....................#.....#...#...#....#...",
    "........#..........#.#....#......##..##.#..........#...#..................#...........#...#......###...###..#####",
    "..........................................................................#......................................",
    ".........................................................................#.......................................",
    // 3 4 5 6 7 8 9 : ; < = > ? @ A B C D E
    ".###.....#..#####..###..#####..###...###.................#.........#.....###...###....#...####...###..####..#####",
    "#...#...##..#.....#.........#.#...#.#...#...............#...........#...#...#.#...#..#.#..#...#.#...#.#...#.#....",
    "....#..#.#..####..#........#..#...#.#...#...#.....#....#....#####....#......#.#.###.#...#.#...#.#.....#...#.#....",
    "..##..#..#......#.####....#....###...####.............#...............#....#..#.#.#.#...#.####..#.....#...#.####.",
    "....#.#####.....#.#...#...#...#...#.....#..............#....#####....#....#...#.###.#####.#...#.#.....#...#.#....",
    "#...#....#..#...#.#...#...#...#...#.....#...............#...........#.........#.....#...#.#...#.#...#.#...#.#....",
    ".###.....#...###...###....#....###...###....#.....#......#.........#......#....###..#...#.####...###..####..#####",
    "..................................................#..............................................................",
    ".................................................#...............................................................",
    // F G H I J K L M N O P Q R S T U V W X
    "#####..###..#...#..###....###.#...#.#.....#...#.#...#..###..####...###..####...###..#####.#...#.#...#.#...#.#...#",
    "#.....#...#.#...#...#......#..#..#..#.....##.##.##..#.#...#.#...#.#...#.#...#.#...#...#...#...#.#...#.#...#.#...#",
    "#.....#.....#...#...#......#..#.#...#.....#.#.#.#.#.#.#...#.#...#.#...#.#...#.#.......#...#...#.#...#.#...#..#.#.",
    "####..#..##.#####...#......#..##....#.....#.#.#.#..##.#...#.####..#...#.####...###....#...#...#.#...#.#.#.#...#..",
    "#.....#...#.#...#...#......#..#.#...#.....#...#.#...#.#...#.#.....#.#.#.#.#.......#...#...#...#.#...#.#.#.#..#.#.",
    "#.....#...#.#...#...#...#..#..#..#..#.....#...#.#...#.#...#.#.....#..#..#..#..#...#...#...#...#..#.#..##.##.#...#",
    "#......###..#...#..###...##...#...#.#####.#...#.#...#..###..#......##.#.#...#..###....#....###....#...#...#.#...#",
    ".................................................................................................................",
    ".................................................................................................................",
    // Y Z [ \ ] ^ _ ` a b c d e f g h i j k
    "#...#.#####..###..#......###....#..........#..........#...............#.........##........#.......#......#..#....",
    "#...#.....#..#....#........#...#.#..........#.........#...............#........#..........#.................#....",
    ".#.#.....#...#.....#.......#..#...#..............###..####...###...####..###..####...####.####...##.....##..#..#.",
    "..#.....#....#......#......#........................#.#...#.#...#.#...#.#...#..#....#...#.#...#...#......#..#.#..",
    "..#....#.....#.......#.....#.....................####.#...#.#.....#...#.#####..#....#...#.#...#...#......#..##...",
    "..#...#......#........#....#....................#...#.#...#.#...#.#...#.#......#....#...#.#...#...#......#..#.#..",
    "..#...#####..###......#..###.....................####.####...###...####..###...#.....####.#...#..###.....#..#..#.",
    "....................................#####...............................................#................#.......",
    ".....................................................................................###...............##........",
    // l m n o p q r s t u v w x y z { | } ~
    ".##..............................................#...........................................#....#....#.........",
    "..#..............................................#..........................................#.....#.....#........",
    "..#...####..####...###..####...####.#.##...####.####..#...#.#...#.#...#.#...#.#...#.#####...#.....#.....#....#...",
    "..#...#.#.#.#...#.#...#.#...#.#...#.##..#.#......#....#...#.#...#.#.#.#..#.#..#...#....#...#......#......#..#.#.#",
    "..#...#.#.#.#...#.#...#.#...#.#...#.#......###...#....#...#.#...#.#.#.#...#...#...#...#.....#.....#.....#......#.",
    "..#...#.#.#.#...#.#...#.#...#.#...#.#.........#..#....#...#..#.#..#.#.#..#.#..#...#..#......#.....#.....#........",
    ".###..#.#.#.#...#..###..####...####.#.....####....##...####...#....#.#..#...#..####.#####....#....#....#.........",
    "........................#.........#...............................................#..............................",
    "........................#.........#............................................###...............................",
};
// clang-format on

/// Whether the letter has a dot there. Anywhere outside the grid it has none.
bool has_dot(char letter, int column, int row) {
  if (column < 0 || column >= glyph_columns || row >= glyph_rows) return false;
  const int index = letter - ' ';
  const auto strip = static_cast<std::size_t>(index / glyphs_per_strip * glyph_rows + row);
  return strips[strip][static_cast<std::size_t>(index % glyphs_per_strip * glyph_pitch + column)] == '#';
}

/// Calls `stroke(column, row, to_column, to_row)` for the strokes that make the letter: dots side by side are joined,
/// dots across a corner only where no side path joins them already.
template <class Stroke>
void for_each_stroke(char letter, const Stroke& stroke) {
  for (int row = 0; row < glyph_rows; ++row)
    for (int column = 0; column < glyph_columns; ++column) {
      if (!has_dot(letter, column, row)) continue;
      const bool right = has_dot(letter, column + 1, row), below = has_dot(letter, column, row + 1);
      stroke(column, row, column, row);
      if (right) stroke(column, row, column + 1, row);
      if (below) stroke(column, row, column, row + 1);
      if (!right && !below && has_dot(letter, column + 1, row + 1)) stroke(column, row, column + 1, row + 1);
      if (!below && !has_dot(letter, column - 1, row) && has_dot(letter, column - 1, row + 1))
        stroke(column, row, column - 1, row + 1);
    }
}

/// UTF-8 to printable ASCII: each other character becomes one '?'.
std::string to_ascii(std::string_view text) {
  std::string ascii;
  for (const char c : text) {
    const bool continuation = (static_cast<unsigned char>(c) & 0xc0) == 0x80;
    if (!continuation) ascii += c >= ' ' && c <= '~' ? c : '?';
  }
  return ascii;
}

/// Half a stroke's width. Small letters need relatively bolder strokes.
float stroke_radius(float unit) {
  return 0.35f * unit + 0.22f;
}

/// Raises `coverage` to that of a round stroke between two points, antialiased over one pixel.
void add_stroke(Plane<float>& coverage, float x0, float y0, float x1, float y1, float radius) {
  const float reach = radius + 1, dx = x1 - x0, dy = y1 - y0, length2 = dx * dx + dy * dy;
  const int left = std::max(0, static_cast<int>(std::min(x0, x1) - reach));
  const int top = std::max(0, static_cast<int>(std::min(y0, y1) - reach));
  const int right = std::min(coverage.width - 1, static_cast<int>(std::max(x0, x1) + reach));
  const int bottom = std::min(coverage.height - 1, static_cast<int>(std::max(y0, y1) + reach));
  for (int y = top; y <= bottom; ++y)
    for (int x = left; x <= right; ++x) {
      const float px = static_cast<float>(x) + 0.5f - x0, py = static_cast<float>(y) + 0.5f - y0;
      const float along = length2 > 0 ? std::clamp((px * dx + py * dy) / length2, 0.0f, 1.0f) : 0.0f;
      const float qx = px - along * dx, qy = py - along * dy, distance = std::sqrt(qx * qx + qy * qy);
      coverage.at(x, y) = std::max(coverage.at(x, y), std::clamp(radius - distance + 0.5f, 0.0f, 1.0f));
    }
}

}  // namespace

void blend(std::uint8_t* pixel, const Color& color, float coverage) {
  for (std::size_t c = 0; c < 3; ++c)
    pixel[c] = static_cast<std::uint8_t>(std::lround(pixel[c] + (color[c] - pixel[c]) * coverage));
}

int text_width(std::string_view text, float unit) {
  return static_cast<int>(std::ceil(static_cast<float>(to_ascii(text).size() * glyph_pitch) * unit));
}

int text_height(float unit) {
  return static_cast<int>(std::ceil(glyph_rows * unit));
}

void draw_text(Frame& frame, int x, int y, float unit, std::string_view text, const Color& color) {
  const std::string letters = to_ascii(text);
  Plane<float> coverage(text_width(text, unit), text_height(unit));
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const auto place = [&](int step) { return (static_cast<float>(step) + 0.5f) * unit; };
    const int start = static_cast<int>(i) * glyph_pitch;
    for_each_stroke(letters[i], [&](int column, int row, int to_column, int to_row) {
      add_stroke(coverage, place(start + column), place(row), place(start + to_column), place(to_row),
                 stroke_radius(unit));
    });
  }
  for (int v = std::max(0, -y); v < std::min(coverage.height, frame.height - y); ++v)
    for (int u = std::max(0, -x); u < std::min(coverage.width, frame.width - x); ++u)
      blend(frame.at(x + u, y + v), color, coverage.at(u, v));
}

}  // namespace giemsa
