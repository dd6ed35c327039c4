// Reports in all their forms, and back.
#include <doctest/doctest.h>

#include "tools/bench/calls.h"
#include "tools/bench/report.h"

using namespace giemsa;
using namespace giemsa::bench;

namespace {

Report small_report() {
  Report report;
  report.subject = "smear";
  report.device = "cpu (test)";
  report.precision = "fp32";
  report.threads = 2;
  report.settings = {{"segmenter", "a.safetensors"}};
  report.series = {{"total", std::vector<double>(12, 1.5)}, {"first_call", {20}}};
  report.memory = {3e6, 2e6, {}};
  return report;
}

}  // namespace

TEST_CASE("report: JSON holds every sample and reads back") {
  const Json json = report_json(small_report());
  CHECK(json["rows"][0]["p90"] == 1.5);
  CHECK(json["rows"][0]["p99"].is_null());
  CHECK(json["memory"]["arena_bytes"].is_null());
  const StoredReport stored = read_report(json.dump(), "a.json");
  REQUIRE(stored.series.size() == 2);
  CHECK(stored.series[0].name == "total");
  CHECK(stored.series[0].ms == std::vector<double>(12, 1.5));
}

TEST_CASE("report: what is no report is refused by name") {
  for (const char* text : {"", "{}", "[]", R"({"schema": 2, "rows": []})", R"({"schema": 1})",
                           R"({"schema": 1, "rows": [{"name": "total", "values": ["x"]}]})",
                           R"({"schema": 1, "rows": [{"name": "total", "values": []}]})"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(read_report(text, "a.json"), doctest::Contains("a.json"), Error);
  }
}

TEST_CASE("report: table, CSV and Markdown say what is missing by leaving it out") {
  const Report report = small_report();
  CHECK(report_csv(report) ==
        "name,samples,min,p50,p90,p99,p99.9,max,mean\n"
        "total,12,1.500,1.500,1.500,,,1.500,1.500\n"
        "first_call,1,20.000,20.000,,,,20.000,20.000\n");
  CHECK(report_markdown(report).find("| total | 12 | 1.500 | 1.500 | 1.500 |  |  | 1.500 | 1.500 |") !=
        std::string::npos);
  const std::string table = report_table(report);
  CHECK(table.find("need 10, 100 and 1000 samples; there are 12") != std::string::npos);
  CHECK(table.find("a.safetensors") != std::string::npos);
}

TEST_CASE("report: conditions that differ are named") {
  Report other = small_report();
  CHECK(differences(report_json(small_report()), report_json(other)).empty());
  other.threads = 1;
  other.settings[0].second = "b.safetensors";
  CHECK(differences(report_json(small_report()), report_json(other)) ==
        std::vector<std::string>{"threads: 2 and 1", "segmenter: a.safetensors and b.safetensors"});
}

TEST_CASE("calls: as many as asked for") {
  const auto calls = [](const Duration& duration) {
    std::vector<std::size_t> made;
    repeat(duration, [&](std::size_t i) { made.push_back(i); });
    return made;
  };
  CHECK(calls({.iterations = 3, .seconds = 1000}) == std::vector<std::size_t>{0, 1, 2});
  CHECK(calls({.iterations = 0, .seconds = 0, .least = 4}).size() == 4);
  CHECK(calls({.iterations = 100, .seconds = 0, .least = 4}).size() == 4);
}
