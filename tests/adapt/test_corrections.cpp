#include <doctest/doctest.h>

#include "tests/engine/error_text.h"
#include "tests/temporary_folder.h"
#include "tools/adapt/corrections.h"

using namespace giemsa;
using namespace giemsa::adapt;
using giemsa::test::error_of;

namespace {

std::string table_error(std::string_view text) {
  return error_of(ErrorKind::usage, [&] { parse_corrections(text, "t.csv"); });
}

ImageFile image(const char* path, const char* name, int number = 0, int count = 1) {
  return {path, name, "", number, count};
}

}  // namespace

TEST_CASE("cells.csv of a run, with a column of corrections added") {
  const auto rows = parse_corrections(
      "file,name,cell,class,probability,x,y,w,h,corrected\n"
      "a/1.png,1,1,monocyte,0.5,10,20,30,40,neutrophil\n"
      "a/1.png,1,2,monocyte,0.5,1,2,3,4,\n",
      "cells.csv");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].image == "a/1.png");
  CHECK(rows[0].kind == "neutrophil");
  CHECK(rows[0].box == PixelBox{10, 20, 30, 40});
  CHECK(rows[0].where == "cells.csv, line 2");
}

TEST_CASE("other tables: by number, by image alone, labels of a data set") {
  auto rows = parse_corrections("image,cell,class\nx,3,monocyte\nx,4,unsure\n\"'=y\",,basophil\n", "t.csv");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].cell == 3);
  CHECK_FALSE(rows[0].box);
  CHECK(rows[1].image == "=y");
  CHECK_FALSE(rows[1].cell);
  rows = parse_corrections("\xef\xbb\xbfimage,classes,fold\r\n1,monocyte;monocyte,0\r\n2,eosinophil,1\r\n3,,2\r\n", "t.csv");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].kind == "eosinophil");
}

TEST_CASE("tables that say nothing, or something else") {
  CHECK(table_error("") == "t.csv: is empty");
  CHECK(table_error("a,b\n1,2\n") == "t.csv: no column 'file', 'image' or 'name'");
  CHECK(table_error("image,b\n1,2\n") == "t.csv: no column 'corrected' or 'class'");
  CHECK(table_error("image,class\n1,b,c\n") == "t.csv, line 2: 3 fields, expected 2");
  CHECK(table_error("image,class\n,b\n") == "t.csv, line 2: names no image");
  CHECK(table_error("image,class,x,y,w,h\n1,b,1,2,three,4\n") == "t.csv, line 2: w 'three' is no number");
  CHECK(table_error("image,class,cell\n1,b,1e30\n") == "t.csv, line 2: cell '1e30' is no number");
  CHECK(table_error("image,class,cell\n1,b;c,1\n") == "t.csv, line 2: a cell of several classes, b;c");
}

TEST_CASE("GeoJSON: the box of each feature, whatever its geometry") {
  const auto rows = parse_features(R"({"type": "FeatureCollection", "features": [
      {"geometry": {"type": "Polygon", "coordinates": [[[2, 3], [12.5, 3], [12.5, 9], [2, 9], [2, 3]]]},
       "properties": {"classification": {"name": "monocyte"}}},
      {"geometry": {"type": "MultiPolygon", "coordinates": [[[[5, 5], [6, 5], [6, 8]]], [[[1, 7], [2, 7], [2, 9]]]]},
       "properties": {"classification": {"name": "basophil"}}},
      {"geometry": {"type": "Point", "coordinates": [1, 1]}, "properties": {"objectType": "annotation"}}]})",
                                   "image", "f.geojson");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].box == PixelBox{2, 3, 11, 6});
  CHECK(rows[1].box == PixelBox{1, 5, 5, 4});
  CHECK(rows[1].kind == "basophil");
  CHECK(rows[1].image == "image");
  CHECK(parse_features("[]", "image", "f").empty());
}

TEST_CASE("GeoJSON that is none") {
  const auto error = [](std::string_view text) {
    return error_of(ErrorKind::usage, [&] { parse_features(text, "i", "f"); });
  };
  CHECK(error("{") == "f: is not JSON");
  CHECK(error("{}") == "f: is no GeoJSON: no features");
  CHECK(error("3") == "f: is no GeoJSON: its features are no list");
  const std::string named = R"("properties": {"classification": {"name": "a"}}})";
  CHECK(error("[{" + named + "]") == "f, feature 1: its geometry has no area within an image");
  CHECK(error(R"([{"geometry": {"coordinates": [1e300, 2]}, )" + named + "]") ==
        "f, feature 1: its geometry has no area within an image");
}

TEST_CASE("a folder of GeoJSON files is named after the images") {
  const test::TemporaryFolder folder;
  const std::string text = R"([{"geometry": {"coordinates": [[0, 0], [4, 4]]}, "properties": {"classification": {"name": "a"}}}])";
  folder.file("b/2.geojson", text);
  folder.file("1.geojson", text);
  folder.file("3.txt", "");
  const auto rows = read_corrections(folder.path());
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].image == "1");
  CHECK(rows[1].image == "b/2");
  CHECK(
      error_of(ErrorKind::usage, [&] { read_corrections(folder / "none.csv"); }).ends_with("none.csv: cannot be read"));
  std::filesystem::create_directories(folder / "empty");
  CHECK(error_of(ErrorKind::usage, [&] { read_corrections(folder / "empty"); }).ends_with("holds no .geojson file"));
}

TEST_CASE("rows find their images by path, name, file name and stem") {
  const std::vector<ImageFile> images{image("d/a/1.png", "a/1"), image("d/b/1.png", "b/1"), image("d/b/2.png", "b/2"),
                                      image("d/pages.tif", "pages#2", 1, 3)};
  std::vector<Correction> rows;
  for (const char* name : {"d/b/1.png", "a/1", "2.png", "2", "elsewhere/2.png", "pages#2", "pages", "3"})
    rows.push_back({name, {}, {}, "monocyte", "row"});
  std::size_t elsewhere = 0;
  const auto found = by_image(rows, images, elsewhere);
  CHECK(elsewhere == 2);
  CHECK(found[0].size() == 1);
  CHECK(found[1].size() == 1);
  CHECK(found[2].size() == 3);
  CHECK(found[3].size() == 1);
  CHECK(error_of(ErrorKind::usage, [&] {
          by_image({{"1.png", {}, {}, "monocyte", "t.csv, line 5"}}, images, elsewhere);
        }) == "t.csv, line 5: several images are called 1.png: give the path");
}
