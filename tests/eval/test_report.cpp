// What is written about an evaluation.
#include "tools/eval/report.h"

#include <doctest/doctest.h>

#include <sstream>

#include "tests/eval/masks.h"
#include "tools/pictures/thumbnail.h"
#include "tools/text/html.h"

using namespace giemsa;
using namespace giemsa::eval;

namespace {

/// Two fields: one with a cell that was found and named wrong, one that failed.
Evaluation example_evaluation() {
  Evaluation evaluation;
  evaluation.info.device = "cpu";
  evaluation.info.precision = "fp32";
  evaluation.info.classes = {"x", "y,z"};
  evaluation.info.options.segment_size = InputSize{{}, 320};
  evaluation.dataset = "<set>";
  evaluation.classes = {"x", "y,z", "blast"};
  evaluation.bootstrap = {50, 9};

  Sample sample{{"in/a.png", "a", {}}, {}, {"blast"}, 2};
  Mask mask(20, 10);
  Labels labels(20, 10);
  for (int y = 2; y < 8; ++y)
    for (int x = 3; x < 9; ++x) mask.at(x, y) = 1, labels.at(x, y) = 1;
  Cell cell;
  cell.id = 1, cell.x = 3, cell.y = 2, cell.w = 6, cell.h = 6, cell.area = 36, cell.class_index = 1;
  cell.probabilities = {0.1f, 0.9f};
  const Truth truth = truth_of(mask);
  ImageRecord record = compare_field(sample, truth, labels, std::span(&cell, 1), evaluation.classes);
  show_worst(evaluation, record, Frame(20, 10), labels, truth);
  evaluation.images.push_back(std::move(record));

  ImageRecord failed;
  failed.file = "in/b.png", failed.name = "b", failed.error = "in/b.png: is <broken>";
  evaluation.images.push_back(failed);
  compute_figures(evaluation);
  return evaluation;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// Fields of each line; none here is quoted but the head's and those of class "y,z".
std::size_t commas_of(const std::string& line) {
  std::size_t commas = 0;
  bool quoted = false;
  for (const char c : line) {
    quoted ^= c == '"';
    commas += c == ',' && !quoted;
  }
  return commas;
}

}  // namespace

TEST_CASE("eval.json: figures with their intervals, null where undefined, counts, provenance, failures") {
  const Json document = Json::parse(to_text(evaluation_json(example_evaluation()), 1));
  CHECK(document.at("schema") == 1);
  CHECK(document.at("segmentation").at("mean_iou") == Json::parse(R"({"value": 1.0, "low": 1.0, "high": 1.0})"));
  CHECK(document.at("segmentation").at("confusion").at("counts") == Json::parse("[[164, 0], [0, 36]]"));
  CHECK(document.at("detection").at("iou_0.7").at("counts").at("true_positives") == 1);
  CHECK(document.at("detection").at("iou_0.5").at("average_precision").at("value") == 1.0);
  CHECK(document.at("classification").at("accuracy").at("value") == 0.0);
  CHECK(document.at("classification").at("confusion").at("counts") == Json::parse("[[0,0,0],[0,0,0],[0,1,0]]"));
  CHECK(document.at("classes").at("x").at("recall").at("value").is_null());
  CHECK(document.at("dataset").at("classes_unknown_to_classifier") == Json::parse(R"(["blast"])"));
  CHECK(document.at("dataset").at("failures").at(0).at("file") == "in/b.png");
  CHECK(document.at("bootstrap").at("seed") == 9);
  CHECK(document.at("settings").at("segment_size") == "320");
}

TEST_CASE("eval.json of whole crops says nothing of a segmenter") {
  Evaluation evaluation = example_evaluation();
  evaluation.task = Task::whole_crops;
  evaluation.info.options.segment_size.reset();
  compute_figures(evaluation);
  const Json document = evaluation_json(evaluation);
  CHECK_FALSE(document.contains("segmentation"));
  CHECK_FALSE(document.contains("detection"));
  CHECK_FALSE(document.at("models").contains("segmenter"));
  CHECK_FALSE(document.at("settings").contains("segment_size"));
}

TEST_CASE("tables: as many fields in every line as in the head") {
  Evaluation evaluation = example_evaluation();
  for (const Task task : {Task::fields, Task::whole_crops, Task::found_cells}) {
    evaluation.task = task;
    for (const std::string& table : {images_csv(evaluation), cells_csv(evaluation)}) {
      std::istringstream lines(table);
      std::string head, line;
      std::getline(lines, head);
      while (std::getline(lines, line)) CHECK_MESSAGE(commas_of(line) == commas_of(head), head << '\n' << line);
    }
  }
  CHECK(lines_of(images_csv(evaluation)) == 3);
  CHECK(lines_of(cells_csv(evaluation)) == 2);
}

TEST_CASE("cells.csv: probabilities to the last bit, and what the cell was matched with") {
  const std::string table = cells_csv(example_evaluation());
  CHECK(
      contains(table, "name,cell,class,probability,x,y,w,h,area,p_x,\"p_y,z\",matched_truth_cell,matched_iou,truth_"));
  CHECK(contains(table, "a,1,\"y,z\",0.899999976,3,2,6,6,36,0.100000001,0.899999976,1,1,blast\n"));
}

TEST_CASE("page: it needs nothing else, names are text, pictures are inside") {
  const std::string page = evaluation_html(example_evaluation());
  CHECK(contains(page, "Evaluation of &lt;set&gt;"));
  CHECK_FALSE(contains(page, "<set>"));
  CHECK(contains(page, "in/b.png: is &lt;broken&gt;"));
  CHECK(contains(page, "data:image/png;base64,iVBORw0KGgo"));
  CHECK(contains(page, "a: blast, called y,z (90 %)"));
  CHECK(contains(page, "does not know: blast"));
  for (const char* outside : {"http://", "https://", "<script", "<link"}) CHECK_FALSE(contains(page, outside));
  CHECK_FALSE(contains(page, "nan"));
}

TEST_CASE("terminal: the figures of each task") {
  Evaluation evaluation = example_evaluation();
  std::ostringstream fields, crops;
  print_figures(fields, evaluation);
  CHECK(contains(fields.str(), "<set>: 2 images, 1 failed, 1 cells, 1 of known class"));
  CHECK(contains(fields.str(), "mean bf score"));
  CHECK_FALSE(contains(fields.str(), "nan"));
  evaluation.task = Task::whole_crops;
  compute_figures(evaluation);
  print_figures(crops, evaluation);
  CHECK_FALSE(contains(crops.str(), "mean iou"));
  CHECK(contains(crops.str(), "--cells found"));
}

TEST_CASE("html: escapes and base64 (RFC 4648, section 10)") {
  CHECK(escaped("a<b> & \"c\" 'd'\n") == "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;?");
  const auto encoded = [](std::string_view text) {
    return base64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  CHECK(encoded("") == "");
  CHECK(encoded("f") == "Zg==");
  CHECK(encoded("fo") == "Zm8=");
  CHECK(encoded("foo") == "Zm9v");
  CHECK(encoded("foob") == "Zm9vYg==");
  CHECK(encoded("\xff\xfe\xfd") == "//79");
}

TEST_CASE("worst cases: the worst are kept, worst first, and only they are drawn") {
  WorstCases worst(2);
  int drawn = 0;
  const auto offer = [&](double badness, const char* caption) {
    worst.offer(badness, caption, [&] { return ++drawn, Frame(1, 1); });
  };
  offer(0.5, "first"), offer(0.2, "mild"), offer(0.1, "milder"), offer(0.5, "equal"), offer(0.9, "worst");
  REQUIRE(worst.cases().size() == 2);
  CHECK(worst.cases()[0].caption == "worst");
  CHECK(worst.cases()[1].caption == "first");
  CHECK(drawn == 4);
}

TEST_CASE("worst cases: the field whose mask overlaps least comes first") {
  Evaluation evaluation;
  const Truth truth = truth_of(test::rectangle(40, 30, 5, 5, 20, 20));
  for (const int found : {20, 5, 12}) {
    Labels labels(40, 30);
    for (int y = 5; y < 5 + found; ++y)
      for (int x = 5; x < 25; ++x) labels.at(x, y) = 1;
    const Sample sample{{{}, std::to_string(found), {}}, {}, {}, {}};
    show_worst(evaluation, compare_field(sample, truth, labels, {}, {}), Frame(40, 30), labels, truth);
  }
  REQUIRE(evaluation.worst_masks.cases().size() == 3);
  CHECK(evaluation.worst_masks.cases()[0].caption == "5: mean IoU 0.489");  // (800 / 1100 + 100 / 400) / 2
  CHECK(evaluation.worst_masks.cases()[2].caption == "20: mean IoU 1.000");
}

TEST_CASE("pictures: shrunk by a whole factor, cut at the frame's edges, outlined") {
  Frame frame(7, 5);
  for (int y = 0; y < 5; ++y)
    for (int x = 0; x < 7; ++x) frame.at(x, y)[1] = static_cast<std::uint8_t>(10 * x + y);
  const Frame small = shrunk(frame, 4);
  CHECK(small.width == 3);
  CHECK(small.height == 2);
  CHECK(small.at(2, 1)[1] == (42 + 43 + 52 + 53) / 4);
  CHECK(shrunk(frame, 7).rgb == frame.rgb);

  const Frame part = cut_out(frame, {5, 0, 2, 2}, 1);
  CHECK(part.width == 3);
  CHECK(part.height == 3);
  CHECK(part.at(0, 2)[1] == 42);

  Frame picture(6, 6);
  std::ranges::fill(picture.rgb, std::uint8_t{200});
  Mask mask(6, 6);
  mask.at(2, 2) = 1;
  draw_truth(picture, mask);
  CHECK(picture.at(2, 2)[0] == 0);
  CHECK(picture.at(3, 2)[2] == 0);
  CHECK(picture.at(2, 3)[1] == 0);
  CHECK(picture.at(1, 2)[0] == 200);
}
