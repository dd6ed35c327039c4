// Images held against their truth.
#include "tools/eval/image_record.h"

#include <fstream>

#include "tests/eval/masks.h"
#include "tests/io/support.h"
#include "tools/pictures/png_writer.h"

using namespace giemsa;
using namespace giemsa::eval;
using giemsa::test::check_mentions;
using giemsa::test::error_of;
using giemsa::test::mask_of;
using giemsa::test::TemporaryFolder;

namespace {

const std::vector<std::string> cell_classes = {"eosinophil", "neutrophil", "blast"};

Cell cell_at(int id, Box box, int class_index, float probability) {
  Cell cell;
  cell.id = id;
  cell.x = box.x, cell.y = box.y, cell.w = box.w, cell.h = box.h;
  cell.area = std::int64_t{box.w} * box.h;
  cell.centroid_x = box.x + (box.w - 1) / 2.0, cell.centroid_y = box.y + (box.h - 1) / 2.0;
  cell.class_index = class_index;
  cell.probabilities = {1 - probability, 1 - probability};
  cell.probabilities[static_cast<std::size_t>(class_index)] = probability;
  return cell;
}

void fill(Labels& labels, const Box& box, std::uint16_t label) {
  for (int y = box.y; y < box.y + box.h; ++y)
    for (int x = box.x; x < box.x + box.w; ++x) labels.at(x, y) = label;
}

Sample sample_of(std::vector<std::string> listed) {
  return {{"a.png", "a", {}}, {}, std::move(listed), 3};
}

/// Two true cells; the first is found with a box of IoU 0.6, the second missed, and one found that is none.
struct Field {
  Field() : labels(40, 30) {
    mask = test::rectangle(40, 30, 2, 2, 10, 10);
    for (int y = 15; y < 25; ++y)
      for (int x = 20; x < 30; ++x) mask.at(x, y) = 1;
    fill(labels, found, 1);
    fill(labels, extra, 2);
    cells = {cell_at(1, found, 1, 0.75f), cell_at(2, extra, 0, 0.875f)};
  }
  ImageRecord compare(std::vector<std::string> listed) const {
    return compare_field(sample_of(std::move(listed)), truth_of(mask), labels, cells, cell_classes);
  }

  const Box found{2, 2, 6, 10}, extra{32, 2, 5, 5};
  Mask mask;
  Labels labels;
  std::vector<Cell> cells;
};

}  // namespace

TEST_CASE("truth: boxes of 8-connected components in raster order") {
  const Truth truth = truth_of(mask_of({"......#", "##...#.", "##.....", "......#"}));
  REQUIRE(truth.cells.size() == 3);
  const auto is = [](const Box& a, const Box& b) { return a.x == b.x && a.y == b.y && a.w == b.w && a.h == b.h; };
  CHECK(is(truth.cells[0], {5, 0, 2, 2}));
  CHECK(is(truth.cells[1], {0, 1, 2, 2}));
  CHECK(is(truth.cells[2], {6, 3, 1, 1}));
  CHECK(truth_of(Mask(31, 33)).cells.empty());
}

TEST_CASE("truth: masks of another size or of 16 bits, and what is no image, are refused by name") {
  const TemporaryFolder folder;
  Mask mask(5, 3);
  mask.at(4, 1) = 128;
  write_png(folder / "mask.png", mask);
  const Truth truth = read_truth(folder / "mask.png", {3, 5});
  CHECK(truth.mask.pixels == mask_of({".....", "....#", "....."}).pixels);

  const auto refused = [&](const char* name) {
    return error_of(ErrorKind::image, [&] { read_truth(folder / name, {5, 3}); });
  };
  check_mentions(refused("mask.png"), {"mask.png", "5x3", "3x5"});
  write_png(folder / "deep.png", Labels(3, 5));
  check_mentions(refused("deep.png"), {"deep.png", "16 bits"});
  std::ofstream(folder / "text.png") << "no image";
  check_mentions(refused("text.png"), {"text.png"});
}

TEST_CASE("class of cells: known where one class alone is listed, as often as there are cells") {
  using Names = std::vector<std::string>;
  CHECK(class_of_cells(Names{"x"}, 1) == "x");
  CHECK(class_of_cells(Names{"x", "x"}, 2) == "x");
  CHECK(class_of_cells(Names{"x", "x"}, 1) == "x");
  CHECK(!class_of_cells(Names{"x"}, 2));
  CHECK(!class_of_cells(Names{"x", "y"}, 2));
  CHECK(!class_of_cells(Names{}, 1));
}

TEST_CASE("truth: a label image, whose cells may touch and whose numbers may leave gaps") {
  const TemporaryFolder folder;
  Labels labels(6, 4);
  fill(labels, {0, 1, 3, 3}, 300);  // beyond 8 bits
  fill(labels, {3, 0, 2, 2}, 7);
  write_png(folder / "labels.png", labels);
  const Truth truth = read_true_labels(folder / "labels.png", {4, 6});
  CHECK(truth.labels.pixels == labels.pixels);
  REQUIRE(truth.cells.size() == 2);
  CHECK((truth.cells[0].x == 3 && truth.cells[0].y == 0 && truth.cells[0].w == 2 && truth.cells[0].h == 2));
  CHECK((truth.cells[1].x == 0 && truth.cells[1].y == 1 && truth.cells[1].w == 3 && truth.cells[1].h == 3));
  CHECK(std::ranges::count(truth.mask.pixels, 1) == 13);
  const auto refused = [&](const char* name, Size2 size) {
    return error_of(ErrorKind::image, [&] { read_true_labels(folder / name, size); });
  };
  check_mentions(refused("labels.png", {6, 4}), {"labels.png", "6x4", "4x6"});
  write_png(folder / "colour.png", Frame(2, 2));
  check_mentions(refused("colour.png", {2, 2}), {"colour.png", "no label image"});
  std::ofstream(folder / "text.png") << "text";
  check_mentions(refused("text.png", {2, 2}), {"text.png", "not an image"});
}

TEST_CASE("field: pixels, detections at both limits, and the class of what was found") {
  const ImageRecord record = Field().compare({"eosinophil", "eosinophil"});
  const ImageTally& tally = record.tally;
  CHECK(tally.pixels.at(1, 1) == 60);
  CHECK(tally.pixels.at(1, 0) == 140);
  CHECK(tally.pixels.at(0, 1) == 25);
  CHECK(tally.truth_cells == 2);
  CHECK(tally.labelled_cells == 2);
  CHECK(tally.instances.truths == 2);
  CHECK(tally.instances.found == 2);
  CHECK(tally.instances.matches[0] == 1);
  REQUIRE(tally.detections[0].size() == 2);
  CHECK(tally.detections[0][0].hit);  // IoU 0.6
  CHECK(tally.detections[0][0].score == 0.75);
  CHECK_FALSE(tally.detections[0][1].hit);
  CHECK_FALSE(tally.detections[1][0].hit);
  CHECK(tally.classes.total() == 1);
  CHECK(tally.classes.at(0, 1) == 1);
  CHECK(record.cells[0].truth == std::size_t{0});
  CHECK(record.cells[0].iou == doctest::Approx(0.6));
  CHECK(record.cells[0].misnamed());
  CHECK_FALSE(record.cells[1].truth);
  CHECK_FALSE(record.cells[1].misnamed());
  CHECK(record.fold == 3);
}

TEST_CASE("field: a region that is called no white cell is no detection, and a wrong name of the cell that it is") {
  Field field;
  field.cells[0].finding = Finding::other;
  const ImageRecord record = field.compare({"eosinophil", "eosinophil"});
  REQUIRE(record.tally.detections[0].size() == 1);
  CHECK_FALSE(record.tally.detections[0][0].hit);
  CHECK(record.tally.classes.at(0, 1) == 1);
  CHECK(record.cells[0].misnamed());
}

TEST_CASE("field: cells of unknown class are found but not named; a class the classifier lacks is named wrong") {
  const ImageRecord mixed = Field().compare({"eosinophil", "neutrophil"});
  CHECK(mixed.tally.labelled_cells == 0);
  CHECK(mixed.tally.classes.total() == 0);
  CHECK(mixed.tally.detections[0][0].hit);
  const ImageRecord unknown = Field().compare({"blast", "blast"});
  CHECK(unknown.tally.classes.at(2, 1) == 1);
  CHECK(unknown.cells[0].misnamed());
}

TEST_CASE("image of one cell: its cell is compared; where none is found nothing is") {
  const Cell cell = cell_at(1, {0, 0, 31, 33}, 1, 0.5f);
  const ImageRecord record = compare_crop(sample_of({"neutrophil"}), {33, 31}, &cell, cell_classes);
  CHECK(record.tally.classes.at(1, 1) == 1);
  CHECK(record.tally.labelled_cells == 1);
  CHECK(record.width == 31);
  const ImageRecord none = compare_crop(sample_of({"neutrophil"}), {33, 31}, nullptr, cell_classes);
  CHECK(none.tally.classes.total() == 0);
  CHECK(none.tally.labelled_cells == 1);
  CHECK(none.cells.empty());
}

TEST_CASE("image of one cell: the cell nearest the middle") {
  const Cell cells[] = {cell_at(1, {0, 0, 50, 50}, 0, 0.5f), cell_at(2, {45, 40, 10, 10}, 1, 0.5f)};
  CHECK(middle_cell(cells, {100, 100}) == &cells[1]);
  CHECK(middle_cell(cells, {50, 50}) == &cells[0]);
  CHECK(middle_cell({}, {50, 50}) == nullptr);
}
