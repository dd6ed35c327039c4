// Labelled folders: what is read from them, and what is refused.
#include "tools/eval/dataset.h"

#include "tests/io/support.h"
#include "tools/eval/labels_csv.h"

using namespace giemsa;
using namespace giemsa::eval;
using giemsa::test::check_mentions;
using giemsa::test::error_of;
using giemsa::test::TemporaryFolder;
using giemsa::test::write_text;
using Names = std::vector<std::string>;

namespace {

std::string refusal(std::string_view text) {
  return error_of(ErrorKind::usage, [&] { parse_labels(text); });
}

/// A data set of fields whose files are empty: nothing here looks into them.
void write_fields(const TemporaryFolder& folder, std::string_view labels) {
  for (const char* name : {"images/a.jpg", "masks/a.png", "images/b.jpg", "masks/b.png", "images/c.jpg"})
    write_text(folder / name, "");
  write_text(folder / "labels.csv", labels);
}

Names names_of(const Dataset& dataset) {
  Names names;
  for (const Sample& sample : dataset.samples) names.push_back(sample.image.name);
  return names;
}

}  // namespace

TEST_CASE("labels: classes, folds, quotes, line ends and a byte order mark") {
  const auto rows = parse_labels(
      "\xef\xbb\xbf"
      "image,classes,fold,note\r\n"
      "a,neutrophil;basophil,3,\r\n"
      "\"b,\"\"1\"\"\",,,\"say \"\"x\"\"\nand y\"\n"
      "\n"
      "c,monocyte,-1,z");
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].classes == Names{"neutrophil", "basophil"});
  CHECK(rows[0].fold == 3);
  CHECK(rows[1].image == "b,\"1\"");
  CHECK(rows[1].classes.empty());
  CHECK(!rows[1].fold);
  CHECK(rows[2].fold == -1);
}

TEST_CASE("fields: labels/ numbers the cells, beside masks/ or in its place") {
  const TemporaryFolder folder;
  for (const char* name : {"images/a.png", "images/b.png", "images/c.png", "labels/a.png", "masks/b.png"})
    write_text(folder / name, "");
  write_text(folder / "labels.csv", "image\na\nb\nc\n");
  const Dataset dataset = open_dataset(folder / "");
  REQUIRE(dataset.samples.size() == 3);
  CHECK(dataset.task == Task::fields);
  CHECK(dataset.samples[0].labels == folder / "labels/a.png");
  CHECK(dataset.samples[0].image.error.empty());
  CHECK(dataset.samples[1].labels.empty());
  CHECK(dataset.samples[1].mask == folder / "masks/b.png");
  CHECK(dataset.samples[1].image.error.empty());
  check_mentions(dataset.samples[2].image.error, {"has no mask"});
}

TEST_CASE("labels: the column may be called class, or be missing") {
  CHECK(parse_labels("class,image\nx,a\n")[0].classes == Names{"x"});
  CHECK(parse_labels("image\na\n")[0].classes.empty());
}

TEST_CASE("labels: what is wrong is named with its line") {
  check_mentions(refusal(""), {"line 1", "image"});
  check_mentions(refusal("file,class\n"), {"line 1", "image"});
  check_mentions(refusal("image,fold\na,1\nb,x\n"), {"line 3", "'x'"});
  check_mentions(refusal("image,fold\na,1,2\n"), {"line 2", "3 fields", "expected 2"});
  check_mentions(refusal("image,fold\na,1\na,2\n"), {"line 3", "'a' again"});
  check_mentions(refusal("image,fold\n,1\n"), {"line 2", "no image"});
  check_mentions(refusal("image\n\"a\n"), {"quote"});
}

TEST_CASE("data set of fields: rows of labels.csv in their order; what is missing is an image's error") {
  const TemporaryFolder folder;
  write_fields(folder, "image,classes,fold\nb,x,1\na.jpg,x;y,0\nc,,0\nd,x,1\n");
  const Dataset dataset = open_dataset(folder.path());
  CHECK(dataset.task == Task::fields);
  CHECK(names_of(dataset) == Names{"b", "a", "c", "d"});
  CHECK(dataset.samples[0].mask == folder / "masks/b.png");
  CHECK(dataset.samples[1].mask == folder / "masks/a.png");
  CHECK(dataset.samples[1].image.path == folder / "images/a.jpg");
  CHECK(dataset.samples[0].image.error.empty());
  check_mentions(dataset.samples[2].image.error, {"no mask"});
  check_mentions(dataset.samples[3].image.error, {"not there"});
  CHECK(dataset.unlisted == 0);
}

TEST_CASE("data set of fields: images that labels.csv does not name are counted, one named twice is refused") {
  const TemporaryFolder folder;
  write_fields(folder, "image\nb\n");
  CHECK(open_dataset(folder.path()).unlisted == 2);
  write_fields(folder, "image\na\na.jpg\n");
  check_mentions(error_of(ErrorKind::usage, [&] { open_dataset(folder.path()); }), {"labels.csv", "'a.jpg'"});
}

TEST_CASE("data set of class folders: a folder's name is the class of all images below it") {
  const TemporaryFolder folder;
  for (const char* name : {"x/1.png", "x/deep/2.png", "y/1.jpg", "stray.png", "y/notes.txt"})
    write_text(folder / name, "");
  const Dataset dataset = open_dataset(folder.path());
  CHECK(dataset.task == Task::whole_crops);
  CHECK(names_of(dataset) == Names{"x/1", "x/deep/2", "y/1"});
  CHECK(dataset.samples[1].classes == Names{"x"});
  CHECK(dataset.samples[2].classes == Names{"y"});
}

TEST_CASE("data set: what is none is refused") {
  const TemporaryFolder folder;
  const auto refused = [&] { return error_of(ErrorKind::usage, [&] { open_dataset(folder / "set"); }); };
  check_mentions(refused(), {"no such folder"});
  std::filesystem::create_directory(folder / "set");
  check_mentions(refused(), {"no data set"});
  write_text(folder / "set/stray.png", "");
  check_mentions(refused(), {"no data set"});
  write_text(folder / "set/images/a.png", "");
  write_text(folder / "set/masks/a.png", "");
  check_mentions(refused(), {"no labels.csv"});
  write_text(folder / "set/labels.csv", "image\n");
  check_mentions(refused(), {"names no image"});
}

TEST_CASE("data set: folds and a limit select") {
  Dataset dataset;
  for (int i = 0; i < 10; ++i) dataset.samples.push_back({{{}, std::to_string(i), {}}, {}, {}, i % 5});
  Dataset two = dataset;
  keep_folds(two, std::vector{1, 4});
  CHECK(names_of(two) == Names{"1", "4", "6", "9"});
  Dataset some = dataset;
  keep_some(some, 4);
  CHECK(names_of(some) == Names{"0", "2", "5", "7"});
  keep_some(some, 100);
  CHECK(some.samples.size() == 4);
  check_mentions(error_of(ErrorKind::usage, [&] { keep_folds(dataset, std::vector{7, 8}); }), {"fold 7, 8"});
}

TEST_CASE("classes: the classifier's first, others behind them") {
  Dataset dataset;
  dataset.samples.push_back({{}, {}, {"z", "b"}, {}});
  dataset.samples.push_back({{}, {}, {"a", "z"}, {}});
  CHECK(all_classes(dataset, Names{"z", "y"}) == Names{"z", "y", "a", "b"});
}
