// report.html and what it is made of: the differential count, the gallery, the histogram.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <sstream>

#include "tests/engine/error_text.h"
#include "tools/run/csv.h"
#include "tools/run/differential.h"
#include "tools/run/json.h"
#include "tools/run/report_page.h"
#include "tools/run/text_table.h"
#include "tools/text/histogram.h"
#include "tools/text/html.h"

using namespace giemsa;

using test::contains;

namespace {

/// A cell of class 0 or 1, of which it has `probability`.
Cell cell_of(int id, int class_index, float probability) {
  Cell cell;
  cell.id = id;
  cell.x = 2, cell.y = 3, cell.w = 6, cell.h = 5;
  cell.class_index = class_index;
  cell.probabilities = {1 - probability, 1 - probability};
  cell.probabilities[static_cast<std::size_t>(class_index)] = probability;
  return cell;
}

ImageResult image_of(const std::string& name, std::vector<Cell> cells) {
  return {"in/" + name + ".png", name, "", 20, 16, std::move(cells), 1, {2, 3, 4, 9}};
}

RunInfo page_info() {
  RunInfo info;
  info.device = "cpu (2 threads)";
  info.precision = "fp32";
  info.segmenter = {"seg.safetensors", "5e9", "deeplabv3plus", "smp"};
  info.classifier = {"cls.safetensors", "c15", "alexnet", "torchvision"};
  info.classes = {"mono<cyte>", "blast"};
  info.options.segment_size = InputSize{{}, 320};
  return info;
}

}  // namespace

TEST_CASE("differential: Wilson's intervals as Newcombe 1998, table I, method 3 has them") {
  struct Case {
    std::int64_t cells, all;
    double low, high;
  };
  for (const Case& c : {Case{81, 263, 0.2553, 0.3662}, Case{15, 148, 0.0624, 0.1605}, Case{0, 20, 0.0, 0.1611},
                        Case{1, 29, 0.0061, 0.1718}, Case{20, 20, 1 - 0.1611, 1.0}}) {
    const ClassShare share = share_of(c.cells, c.all);
    CHECK(share.share == doctest::Approx(static_cast<double>(c.cells) / static_cast<double>(c.all)));
    CHECK(std::abs(share.low - c.low) <= 0.5e-4 + 1e-9);
    CHECK(std::abs(share.high - c.high) <= 0.5e-4 + 1e-9);
  }
  const ClassShare none = share_of(0, 0);
  CHECK(none.low == 0);
  CHECK(none.high == 1);
}

TEST_CASE("differential: cells of all images, by class") {
  const ImageResult images[] = {image_of("a", {cell_of(1, 0, 0.9f), cell_of(2, 1, 0.8f)}),
                                {"in/b.png", "b", "is broken", 0, 0, {}, 0, {}},
                                image_of("c", {cell_of(1, 1, 0.7f), cell_of(2, 1, 0.6f)})};
  const std::vector<std::string> classes = {"monocyte", "blast"};
  const Differential differential = differential_count(images, classes);
  REQUIRE(differential.shares.size() == 2);
  CHECK(differential.shares[0].cells == 1);
  CHECK(differential.shares[1].cells == 3);
  CHECK(differential.shares[1].share == 0.75);
}

TEST_CASE("differential: neither what is unsure nor what is no white cell moves a share") {
  Cell unsure = cell_of(2, 0, 0.4f), other = cell_of(3, 1, 0.8f);
  unsure.finding = Finding::unsure;
  other.finding = Finding::other;
  const ImageResult images[] = {image_of("a", {cell_of(1, 0, 0.9f), unsure, other, other})};
  const std::vector<std::string> classes = {"monocyte", "other"};
  const Differential differential = differential_count(images, classes);
  CHECK(differential.counts.white_cells() == 2);
  CHECK(differential.counts.uncounted() == "1 unsure cell and 2 other regions");
  CHECK(differential.shares[0].share == 1);
  CHECK(differential.shares[1].share == 0);

  Gallery gallery(2);
  gallery.offer(images[0], [] { return static_cast<const Frame*>(nullptr); });
  CHECK(gallery.of_class(0).size() == 1);
  CHECK(gallery.of_class(1).size() == 2);
  CHECK(gallery.unsure().size() == 1);
  RunInfo info = page_info();
  info.classes = classes;
  const std::string page = report_html(info, images, gallery);
  CHECK(contains(page, "<h1>2 white cells in 1 image</h1>"));
  CHECK(contains(page, "Not counted here: 1 unsure cell and 2 other regions."));
  CHECK(contains(page, "<h3>unsure <small>1</small></h3>"));
  CHECK_FALSE(contains(page, "</span>other</th>"));  // no row of the differential
}

TEST_CASE("report: each cell of the gallery can be judged, as a row of the table that giemsa adapt reads") {
  RunInfo info = page_info();
  info.classes = {"monocyte", "a<b"};
  ImageResult image = image_of("a", {cell_of(1, 0, 0.9f), cell_of(2, 1, 0.8f)});
  image.file = "=in/\"a\".png";
  image.cells[1].x = 3, image.cells[1].y = 4, image.cells[1].w = 50, image.cells[1].h = 60;
  Gallery gallery(2);
  gallery.offer(image, [] { return static_cast<const Frame*>(nullptr); });
  const std::string page = report_html(info, std::span(&image, 1), gallery);
  CHECK(contains(page,
                 "<select aria-label=\"class of 80 %, a #2\" "
                 "data-row=\"&quot;&#39;=in/&quot;&quot;a&quot;&quot;.png&quot;,2,3,4,50,60\">"
                 "<option value=\"\">not judged</option><option>monocyte</option><option>a&lt;b</option></select>"));
  CHECK(contains(page, "data-class=\"a&lt;b\""));
  CHECK(contains(page, "id=\"save\" disabled"));
}

TEST_CASE("differential: a folder of images is a patient") {
  CHECK(patient_of("field") == ".");
  CHECK(patient_of("Smith/field") == "Smith");
  CHECK(patient_of("ward 3/Smith/field#2") == "ward 3/Smith");

  Cell monocyte = cell_of(1, 0, 0.9f), blast = cell_of(2, 1, 0.9f), other = cell_of(3, 1, 0.8f);
  for (Cell* cell : {&monocyte, &blast, &other}) cell->probabilities.push_back(0.05f);
  other.class_index = 2;
  other.finding = Finding::other;
  const ImageResult images[] = {image_of("b/1", {monocyte, monocyte, other}),
                                image_of("a/1", {blast}),
                                {"in/a/2.png", "a/2", "is broken", 0, 0, {}, 0, {}},
                                image_of("b/2", {blast, monocyte}),
                                {"in/c/1.png", "c/1", "is broken", 0, 0, {}, 0, {}}};
  RunInfo info = page_info();
  info.classes = {"monocyte", "blast", "other"};
  CHECK(patients_csv(info, images) ==
        "patient,images,cells,monocyte,monocyte_percent,monocyte_low,monocyte_high,blast,blast_percent,blast_low,"
        "blast_high,unsure,other\n"
        "b,2,4,3,75.00,30.06,95.44,1,25.00,4.56,69.94,0,1\n"
        "a,1,1,0,0.00,0.00,79.35,1,100.00,20.65,100.00,0,0\n"
        "c,0,0,0,0.00,0.00,100.00,0,0.00,0.00,100.00,0,0\n");

  const Json patients = document_json(info, images).at("patients");
  REQUIRE(patients.size() == 3);
  CHECK(patients.at(0).at("patient") == "b");
  CHECK(patients.at(0).at("classes").at("monocyte").at("interval") == Json({0.300642, 0.954413}));

  const std::string page = report_html(info, images, Gallery(3));
  CHECK(contains(page, "<tr><th>b</th><td>2</td><td><b>4</b></td><td title=\"30.1 to 95.4\">75.0</td>"));
  CHECK(contains(page, "<tr><th>c</th><td>0</td><td><b>0</b></td><td>&ndash;</td>"));
  CHECK_FALSE(contains(report_html(info, std::span(images, 1), Gallery(3)), "By patient"));

  std::ostringstream out;
  TextTable table(out, info.classes, 8);
  for (const ImageResult& image : images) table.add(image);
  table.finish(info);
  CHECK(contains(out.str(), "patient   cells    monocyte       blast\nb             4      75.0 %      25.0 %\n"));
}

TEST_CASE("gallery: the least certain of each class, lowest first, equal ones as they came") {
  Gallery gallery(2, 2);
  const Frame frame(20, 16);
  int asked = 0;
  const auto offer = [&](const ImageResult& image) { gallery.offer(image, [&] { return ++asked, &frame; }); };
  offer(image_of("a", {cell_of(1, 0, 0.9f), cell_of(2, 0, 0.5f), cell_of(3, 1, 0.7f)}));
  offer(image_of("b", {cell_of(1, 0, 0.95f)}));  // more certain than both that are there
  offer(image_of("c", {cell_of(1, 0, 0.5f)}));   // drives 0.9 out, and stands behind a's
  CHECK(asked == 2);
  REQUIRE(gallery.of_class(0).size() == 2);
  CHECK(gallery.of_class(0)[0].image == "a");
  CHECK(gallery.of_class(0)[0].id == 2);
  CHECK(gallery.of_class(0)[1].image == "c");
  REQUIRE(gallery.of_class(1).size() == 1);
  CHECK(gallery.of_class(1)[0].probability == doctest::Approx(0.7));
  CHECK_FALSE(gallery.of_class(1)[0].png.empty());
}

TEST_CASE("gallery: an image that is gone, or is another by now, leaves its cells without pictures") {
  Gallery gallery(2);
  const Frame other(19, 16);
  gallery.offer(image_of("a", {cell_of(1, 0, 0.9f)}), [] { return static_cast<const Frame*>(nullptr); });
  gallery.offer(image_of("b", {cell_of(1, 0, 0.9f)}), [&] { return &other; });
  REQUIRE(gallery.of_class(0).size() == 2);
  for (const GalleryCell& cell : gallery.of_class(0)) CHECK(cell.png.empty());
}

TEST_CASE("histogram: every value in its bar, the few slow ones in the last") {
  CHECK(histogram_of({}).counts.empty());
  std::vector<double> values;
  for (int i = 0; i < 100; ++i) values.push_back(50 + 0.1 * i);
  values.push_back(4000);  // 4 times the median of 55 is the reach
  const Histogram histogram = histogram_of(values);
  CHECK(histogram.bar_width == doctest::Approx(10));
  REQUIRE(histogram.counts.size() == 23);
  CHECK(histogram.counts[5] == 100);
  CHECK(histogram.counts.back() == 1);
  CHECK(std::accumulate(histogram.counts.begin(), histogram.counts.end(), std::size_t{0}) == values.size());
  for (const double single : {0.0, 1e-9, 0.37, 42.0, 1e7}) {
    const double one[] = {single};
    const Histogram alone = histogram_of(one);
    CHECK(std::accumulate(alone.counts.begin(), alone.counts.end(), std::size_t{0}) == 1);
    CHECK(alone.counts.size() <= 31);
    if (single >= 1) CHECK(alone.counts.back() == 1);  // below that the axis still reaches to a microsecond
  }
  CHECK(contains(histogram_svg(histogram, "ms"), "<title>50 to 60 ms: 100</title>"));
}

TEST_CASE("report: it needs no network, names are text, cells lead to their overlays") {
  const RunInfo info = page_info();
  const ImageResult images[] = {image_of("sub/a #1", {cell_of(1, 0, 0.61f), cell_of(2, 1, 0.97f)}),
                                {"in/b.png", "b", "in/b.png: is <broken>", 0, 0, {}, 0, {}}};
  Gallery gallery(2);
  const Frame frame(20, 16);
  gallery.offer(images[0], [&] { return &frame; });
  const std::string page = report_html(info, images, gallery);
  CHECK(contains(page, "2 white cells in 2 images"));
  CHECK(contains(page, "1 image failed."));
  CHECK(contains(page, "in/b.png: is &lt;broken&gt;"));
  CHECK(contains(page, "mono&lt;cyte&gt;"));
  CHECK_FALSE(contains(page, "<cyte>"));
  CHECK(contains(page, "href=\"overlays/sub/a%20%231.png\""));
  CHECK(contains(page, "61 %, sub/a #1 #1"));
  CHECK(contains(page, "data:image/png;base64,iVBORw0KGgo"));
  CHECK(contains(page, "<td>50.0</td><td>9.5 &ndash; 90.5</td>"));  // Wilson, 1 of 2
  CHECK(contains(page, "sha256 c15"));
  CHECK(contains(page, "Research use only"));
  for (const char* outside : {"http://", "https://", "<script ", "import", "fetch(", "XMLHttpRequest", "<link"})
    CHECK_FALSE(contains(page, outside));
}

TEST_CASE("report: without cells, and without any image that could be used") {
  const RunInfo info = page_info();
  const ImageResult empty[] = {image_of("a", {})};
  const std::string page = report_html(info, empty, Gallery(2));
  CHECK(contains(page, "0 white cells in 1 image<"));
  CHECK_FALSE(contains(page, "Differential"));
  CHECK_FALSE(contains(page, "90th"));  // of a single image
  CHECK(contains(page, "median 10.0 ms, longest 10.0 ms."));
  const ImageResult failed[] = {{"b", "b", "b: is broken", 0, 0, {}, 0, {}}};
  CHECK_FALSE(contains(report_html(info, failed, Gallery(2)), "Time for an image"));
}

TEST_CASE("html: links are percent-encoded, bytes that are no UTF-8 too") {
  CHECK(link_to("a/b-1_2.~") == "a/b-1_2.~");
  CHECK(link_to("50% \"x\"\xff?#&<'") == "50%25%20%22x%22%FF%3F%23%26%3C%27");
}
