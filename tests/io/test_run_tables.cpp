// results.json, the tables, and the journal that --resume reads.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "tests/io/support.h"
#include "tools/run/csv.h"
#include "tools/run/journal.h"
#include "tools/run/json.h"
#include "tools/run/ledger.h"
#include "tools/run/text_table.h"
#include "tools/text/csv.h"
#include "tools/text/text.h"

using namespace giemsa;
using giemsa::test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

RunInfo example_info() {
  RunInfo info;
  info.device = "cpu (oneDNN 2.6.3, avx2, 2 threads)";
  info.precision = "fp32";
  info.segmenter = {"seg.safetensors", "5e9", "deeplabv3plus", "smp"};
  info.classifier = {"cls.safetensors", "c15", "alexnet", "torchvision"};
  info.classes = {"monocyte", "odd, \"class\""};
  info.options.segment_size = InputSize{{}, 320};
  info.options.max_pixels = 1000;
  return info;
}

Cell example_cell() {
  Cell cell;
  cell.id = 1;
  cell.x = 10, cell.y = 20, cell.w = 30, cell.h = 40;
  cell.area = 900;
  cell.centroid_x = 24.51234567, cell.centroid_y = 39.75;
  cell.class_index = 1;
  cell.probabilities = {0.1f, 0.9f};
  return cell;
}

ImageResult example_image() {
  return {"in/a.png", "a", "", 640, 480, {example_cell()}, 1.5, {2, 3, 4, 9}};
}

ImageResult failed_image() {
  return {"in/b.png", "b", "in/b.png: is broken", 0, 0, {}, 0, {}};
}

void append_text(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::app) << text;
}

}  // namespace

TEST_CASE("results.json has the keys that interface.md promises") {
  const ImageResult images[] = {example_image(), failed_image()};
  const Json document = Json::parse(to_text(document_json(example_info(), images), 1));
  CHECK(document.at("schema") == 1);
  CHECK(document.at("giemsa") == GIEMSA_VERSION);
  CHECK(document.at("models").at("segmenter") == Json::parse(R"({"file": "seg.safetensors", "sha256": "5e9",
        "arch": "deeplabv3plus", "preset": "smp"})"));
  CHECK(document.at("settings").at("segment_size") == "320");
  const Json& image = document.at("images").at(0);
  CHECK(image.at("ok") == true);
  CHECK(image.at("error").is_null());
  CHECK(image.at("ms").at("total") == 10.5);
  const Json& cell = image.at("cells").at(0);
  CHECK(cell.at("box") == Json::parse("[10, 20, 30, 40]"));
  CHECK(cell.at("centroid") == Json::parse("[24.512, 39.75]"));
  CHECK(cell.at("class") == "odd, \"class\"");
  CHECK(cell.at("probability") == 0.9);
  CHECK(cell.at("probabilities").at("monocyte") == 0.1);
  const Json& failed = document.at("images").at(1);
  CHECK(failed.at("ok") == false);
  CHECK(failed.at("error") == "in/b.png: is broken");
}

TEST_CASE("an image's JSON reads back as what it was") {
  const RunInfo info = example_info();
  for (const ImageResult& image : {example_image(), failed_image()}) {
    const Json json = image_json(image, info.classes);
    CHECK(image_json(image_from_json(json, info.classes), info.classes) == json);
  }
  Json foreign = image_json(example_image(), info.classes);
  foreign["cells"][0]["class"] = "thrombocyte";
  CHECK_THROWS(image_from_json(foreign, info.classes));
}

TEST_CASE("what is unsure or no white cell is in the tables, and not in the count") {
  RunInfo info = example_info();
  info.classes = {"monocyte", "other"};
  ImageResult image = example_image();
  Cell monocyte = example_cell(), unsure = example_cell(), other = example_cell();
  monocyte.class_index = unsure.class_index = 0;
  monocyte.probabilities = {0.9f, 0.1f};
  unsure.probabilities = {0.6f, 0.4f};
  unsure.finding = Finding::unsure;
  unsure.at_edge = true;
  other.finding = Finding::other;
  image.cells = {monocyte, unsure, other};

  const Json json = image_json(image, info.classes);
  CHECK(json.at("cells").at(0).at("at_edge") == false);
  CHECK(json.at("cells").at(1).at("class") == "unsure");
  CHECK(json.at("cells").at(1).at("probability") == 0.6);
  CHECK(json.at("cells").at(2).at("class") == "other");
  const ImageResult again = image_from_json(json, info.classes);
  CHECK(image_json(again, info.classes) == json);
  CHECK(again.cells[1].finding == Finding::unsure);
  CHECK(again.cells[1].at_edge);
  CHECK(again.cells[2].finding == Finding::other);

  const std::string cells = cells_csv(info, std::span(&image, 1)), images = images_csv(info, std::span(&image, 1));
  CHECK(cells.find(",unsure,0.600000,") != std::string::npos);
  CHECK(cells.find(",other,0.900000,") != std::string::npos);
  CHECK(images.find("cells,monocyte,other,unsure,") != std::string::npos);
  CHECK(images.find(",true,,2,1,1,1,") != std::string::npos);

  std::ostringstream out;
  TextTable table(out, info.classes, 8);
  table.add(image);
  table.finish(info);
  for (const std::string part :
       {"1 image, 2 cells", "monocyte       1  100.0 %\nnot counted: 1 unsure cell and 1 other region"})
    CHECK_MESSAGE(out.str().find(part) != std::string::npos, part, " in\n", out.str());
}

TEST_CASE("file names that are not UTF-8 do not stop the JSON") {
  ImageResult image = example_image();
  image.file = "in/\xff.png";
  CHECK(Json::parse(to_text(image_json(image, example_info().classes), -1)).at("file") == "in/\uFFFD.png");
}

TEST_CASE("csv quotes commas, quotes and line breaks") {
  RunInfo info = example_info();
  ImageResult image = example_image();
  image.file = "in/a,\"b\"\nc.png";
  const ImageResult images[] = {image, failed_image()};
  CHECK(cells_csv(info, images) ==
        "file,name,cell,class,probability,x,y,w,h,area,centroid_x,centroid_y,p_monocyte,\"p_odd, "
        "\"\"class\"\"\",at_edge,area_um2,label_image\n"
        "\"in/a,\"\"b\"\"\nc.png\",a,1,\"odd, "
        "\"\"class\"\"\",0.900000,10,20,30,40,900,24.512,39.750,0.100000,0.900000,false,,labels/a.png\n");
  CHECK(images_csv(info, images) ==
        "file,name,width,height,ok,error,cells,monocyte,\"odd, "
        "\"\"class\"\"\",unsure,decode_ms,segment_ms,postprocess_ms,"
        "classify_ms,total_ms,label_image\n"
        "\"in/a,\"\"b\"\"\nc.png\",a,640,480,true,,1,0,1,0,1.500,2.000,3.000,4.000,10.500,labels/a.png\n"
        "in/b.png,b,0,0,false,in/b.png: is broken,0,0,0,0,0.000,0.000,0.000,0.000,0.000,\n");
}

TEST_CASE("csv: spreadsheets compute nothing that a name holds") {
  CsvWriter csv;
  for (const char* text : {"=1+1", "+1", "-1", "@x", "\t=1", "a=1", "=a,b", ""}) csv.text(text);
  csv.number(-1).number("-0.5").truth(true).end_row();
  csv.text("next").end_row();
  CHECK(csv.rows() == "'=1+1,'+1,'-1,'@x,'\t=1,a=1,\"'=a,b\",,-1,-0.5,true\nnext\n");
}

TEST_CASE("text that is not UTF-8 becomes so, and stays different from other text") {
  for (const char* text : {"", "plain", "n\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\xac"}) CHECK(as_utf8(text) == text);
  CHECK(as_utf8("na\xefve") == "na\\xefve");
  CHECK(as_utf8("na\xe8ve") == "na\\xe8ve");
  CHECK(as_utf8("\xc3") == "\\xc3");                             // cut
  CHECK(as_utf8("\xc0\xaf") == "\\xc0\\xaf");                    // a longer form of '/'
  CHECK(as_utf8("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  CHECK(as_utf8("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
}

TEST_CASE("the table's median is that of the report: between the two middle ones") {
  const RunInfo info = example_info();
  std::ostringstream out;
  TextTable table(out, info.classes, 8);
  for (const double ms : {1.0, 2.0, 10.0, 20.0}) {
    ImageResult image = example_image();
    image.decode_ms = ms;
    image.ms = {};
    table.add(image);
  }
  table.finish(info);
  CHECK_MESSAGE(out.str().find("median 6.0 ms an image") != std::string::npos, out.str());
}

TEST_CASE("the ledger lists what was written, whenever the run was killed") {
  const TemporaryFolder folder;
  fs::create_directory(folder / ".giemsa");
  CHECK(Ledger::read(folder.path()).empty());
  {
    Ledger ledger(folder.path());
    ledger.add("labels/a\nb.png");
    ledger.add("labels/a\nb.png");
    ledger.add("results.json");
  }
  append_text(Ledger::file_in(folder.path()), "labels/cut");  // killed while it wrote
  CHECK(Ledger::read(folder.path()) == std::set<std::string>{"labels/a\nb.png", "results.json"});
  Ledger ledger(folder.path());
  ledger.replace({"cells.csv"});
  ledger.add("x");
  CHECK(Ledger::read(folder.path()) == std::set<std::string>{"cells.csv", "x"});
}

TEST_CASE("the text table counts classes and says where results come from") {
  const RunInfo info = example_info();
  std::ostringstream out;
  TextTable table(out, info.classes, 8);
  table.add(example_image());
  table.add(failed_image());
  table.finish(info);
  const std::string text = out.str();
  for (const std::string part : {"in/a.png", "2 images (1 failed), 1 cell, median 10.5 ms",
                                 "monocyte           0    0.0 %", "1  100.0 %", "sha256 5e9", "Research use only"})
    CHECK_MESSAGE(text.find(part) != std::string::npos, part, " in\n", text);
}

TEST_CASE("control characters in names cannot steer a terminal") {
  CHECK(printable("a\nb\x1b[31m\x7f") == "a?b?[31m?");
  CHECK(printable("né") == "né");
  CHECK(padded("né", 4) == "né  ");
}

TEST_CASE("the journal keeps finished images, and only those of the same run") {
  const TemporaryFolder folder;
  const fs::path file = folder / ".giemsa/journal.jsonl", input = folder / "a.png";
  append_text(input, "pixels");
  const RunInfo info = example_info();
  {
    Journal journal(file);
    journal.start(identity_json(info));
    journal.append(input, image_json(example_image(), info.classes));
  }
  append_text(file, R"({"input": {"file": "b)");  // killed while it wrote

  SUBCASE("same run") {
    for (int round = 0; round < 2; ++round) {  // resuming a resumed run
      Journal journal(file);
      journal.resume(identity_json(info));
      REQUIRE(journal.find("a", input));
      CHECK(*journal.find("a", input) == image_json(example_image(), info.classes));
      CHECK_FALSE(journal.find("b", input));
    }
  }
  SUBCASE("the image has changed") {
    append_text(input, "more");
    Journal journal(file);
    journal.resume(identity_json(info));
    CHECK_FALSE(journal.find("a", input));
  }
  SUBCASE("another run") {
    RunInfo other = info;
    other.options.min_area = 7;
    Journal journal(file);
    CHECK_THROWS_WITH_AS(journal.resume(identity_json(other)), doctest::Contains("settings/min_area: 200 then, 7 now"),
                         Error);
  }
  SUBCASE("more threads, or another path to the same model, are the same run") {
    RunInfo other = info;
    other.compute.threads = 7;
    other.device = "cpu (oneDNN 2.6.3, avx2, 7 threads)";
    other.segmenter.file = "elsewhere/seg.safetensors";
    Journal journal(file);
    journal.resume(identity_json(other));
    CHECK(journal.find("a", input));
  }
  SUBCASE("a damaged journal") {
    std::ofstream(file) << "not JSON\n";
    Journal journal(file);
    CHECK_THROWS_WITH_AS(journal.resume(identity_json(info)), doctest::Contains("damaged"), Error);
  }
}
