// Outlines of cells, and the GeoJSON made of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>
#include <random>
#include <set>
#include <string_view>

#include "nets/contour.h"
#include "tools/run/geojson.h"

using namespace giemsa;

namespace {

/// Rows of '#' (label 1) and anything else (background).
Labels drawn(std::initializer_list<std::string_view> rows) {
  Labels labels(static_cast<int>(rows.begin()->size()), static_cast<int>(rows.size()));
  int y = 0;
  for (std::string_view row : rows) {
    for (int x = 0; x < labels.width; ++x) labels.at(x, y) = row[static_cast<std::size_t>(x)] == '#' ? 1 : 0;
    ++y;
  }
  return labels;
}

std::vector<Ring> contours(const Labels& labels) {
  return trace_contours(labels, 1, {0, 0, labels.width, labels.height});
}

double area(const Ring& ring) {
  double twice = 0;
  for (std::size_t i = 1; i < ring.size(); ++i)
    twice += 1.0 * ring[i - 1].x * ring[i].y - 1.0 * ring[i].x * ring[i - 1].y;
  return twice / 2;
}

/// Labels background that no 4-connected path of background joins to the edge, as FillHoles does.
void fill_holes(Labels& labels) {
  Mask outside(labels.width, labels.height);
  std::vector<Corner> open;
  const auto reach = [&](int x, int y) {
    if (x < 0 || y < 0 || x >= labels.width || y >= labels.height || labels.at(x, y) || outside.at(x, y)) return;
    outside.at(x, y) = 1;
    open.push_back({x, y});
  };
  for (int y = 0; y < labels.height; ++y)
    for (int x = 0; x < labels.width; ++x)
      if (x == 0 || y == 0 || x == labels.width - 1 || y == labels.height - 1) reach(x, y);
  while (!open.empty()) {
    const Corner at = open.back();
    open.pop_back();
    reach(at.x + 1, at.y), reach(at.x - 1, at.y), reach(at.x, at.y + 1), reach(at.x, at.y - 1);
  }
  for (std::size_t i = 0; i < labels.pixels.size(); ++i) labels.pixels[i] = !outside.pixels[i];
}

/// Even-odd rule at the pixel's centre.
bool covers(const Ring& ring, int x, int y) {
  bool inside = false;
  for (std::size_t i = 1; i < ring.size(); ++i) {
    const Corner a = ring[i - 1], b = ring[i];
    if (a.x == b.x && a.x > x && (a.y <= y) != (b.y <= y)) inside = !inside;
  }
  return inside;
}

/// Closed, axis-parallel, a turn at each corner, no corner twice.
void check_valid(const Ring& ring) {
  REQUIRE(ring.size() >= 5);
  CHECK(ring.front() == ring.back());
  std::set<std::pair<int, int>> corners;
  for (std::size_t i = 1; i < ring.size(); ++i) {
    const Corner before = ring[i - 1], here = ring[i], after = i + 1 < ring.size() ? ring[i + 1] : ring[1];
    CHECK((before.x == here.x) != (before.y == here.y));
    CHECK((before.x == here.x) == (here.y == after.y));
    CHECK(corners.insert({here.x, here.y}).second);
  }
}

}  // namespace

TEST_CASE("one pixel is a unit square") {
  const auto rings = contours(drawn({"...", ".#.", "..."}));
  REQUIRE(rings.size() == 1);
  CHECK(rings[0] == Ring{{1, 1}, {2, 1}, {2, 2}, {1, 2}, {1, 1}});
}

TEST_CASE("a label that fills the image") {
  const auto rings = contours(drawn({"##", "##"}));
  REQUIRE(rings.size() == 1);
  CHECK(rings[0] == Ring{{0, 0}, {2, 0}, {2, 2}, {0, 2}, {0, 0}});
}

TEST_CASE("a hole is ignored") {
  const auto rings = contours(drawn({"###", "#.#", "###"}));
  REQUIRE(rings.size() == 1);
  CHECK(area(rings[0]) == 9);
}

TEST_CASE("pixels that touch at a corner are polygons of their own") {
  const auto rings = contours(drawn({"#..", ".#.", "..#"}));
  CHECK(rings.size() == 3);
  for (const Ring& ring : rings) CHECK(area(ring) == 1);
}

TEST_CASE("other labels and pixels outside the box do not count") {
  Labels labels = drawn({"####", "####"});
  labels.at(1, 0) = 2;
  const auto rings = trace_contours(labels, 1, {2, 0, 1, 2});
  REQUIRE(rings.size() == 1);
  CHECK(area(rings[0]) == 2);
}

TEST_CASE("random shapes without holes: valid rings that cover the label and nothing else") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    Labels labels(1 + static_cast<int>(random() % 12), 1 + static_cast<int>(random() % 12));
    for (auto& pixel : labels.pixels) pixel = random() % 3 == 0;
    fill_holes(labels);
    const auto rings = contours(labels);
    for (const Ring& ring : rings) check_valid(ring);
    for (int y = 0; y < labels.height; ++y)
      for (int x = 0; x < labels.width; ++x)
        CHECK(std::ranges::count_if(rings, [&](const Ring& ring) { return covers(ring, x, y); }) == labels.at(x, y));
  }
}

TEST_CASE("geojson: one detection a cell, as QuPath reads it") {
  RunInfo info;
  info.classes = {"monocyte"};
  info.options.segment_size = InputSize{{}, 320};
  ImageResult image;
  Cell cell;
  cell.id = 1;
  cell.w = cell.h = 3;
  cell.area = 3;
  cell.probabilities = {1.0f};
  image.cells = {cell};

  const Json diagonal = geojson(info, image, drawn({"#..", ".#.", "..#"}));
  CHECK(diagonal.at("type") == "FeatureCollection");
  CHECK(diagonal.at("features").at(0).at("geometry").at("type") == "MultiPolygon");
  CHECK(diagonal.at("features").at(0).at("geometry").at("coordinates").size() == 3);

  const Json feature = geojson(info, image, drawn({"###", "...", "..."})).at("features").at(0);
  CHECK(feature.at("geometry") ==
        Json::parse(R"({"type": "Polygon", "coordinates": [[[0,0],[3,0],[3,1],[0,1],[0,0]]]})"));
  CHECK(feature.at("properties").at("objectType") == "detection");
  CHECK(feature.at("properties").at("classification").at("name") == "monocyte");
  CHECK(feature.at("properties").at("classification").at("color").size() == 3);
  CHECK(feature.at("properties").at("measurements").at("Area px") == 3);
}
