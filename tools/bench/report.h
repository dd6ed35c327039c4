// What a benchmark found, and its forms: a table, JSON, CSV, Markdown.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/bench/comparison.h"
#include "tools/bench/distribution.h"
#include "tools/bench/machine.h"
#include "tools/run/json.h"

namespace giemsa::bench {

struct Memory {
  double peak_resident_bytes = 0;  ///< of the process, its images included
  double packed_weight_bytes = 0;  ///< held by the backend; weights used as they lie in the file are not among them
  std::optional<double> arena_bytes;
};

struct Report {
  std::string subject;            ///< "smear" or "network"
  std::string device, precision;  ///< used
  bool on_gpu = false;
  int threads = 0;                ///< of the CPU
  /// Networks and settings, each a name and what it is.
  std::vector<std::pair<std::string, std::string>> settings;
  std::string verified;        ///< what was checked before anything was timed
  std::vector<Series> series;  ///< first what was called often, then what happens once
  Memory memory;
  MachineFacts facts;
  MachineState before, after;  ///< the timed calls
};

/// {"schema": 1, ...}; samples included, so that reports can be compared later.
Json report_json(const Report& report);

/// The series in report_json()'s text. Throws Error(usage), naming `file`, for anything else.
struct StoredReport {
  Json document;
  std::vector<Series> series;
};
StoredReport read_report(const std::string& text, const std::string& file);

/// For a terminal.
std::string report_table(const Report& report);

/// name,samples,min,p50,p90,p99,p99.9,max,mean: milliseconds, empty where there are too few samples.
std::string report_csv(const Report& report);

/// Two tables: the figures, and how they came about.
std::string report_markdown(const Report& report);

/// What kept the machine from measuring what a report says, in words; empty where nothing is known to have.
std::string disturbance(const Json& report);

/// Settings in which two reports differ that ought to be the same in a fair comparison, a line each.
std::vector<std::string> differences(const Json& baseline, const Json& candidate);

Json comparison_json(const std::vector<ComparedSeries>& compared, const ComparisonOptions& options);
std::string comparison_table(const std::vector<ComparedSeries>& compared, const ComparisonOptions& options);

}  // namespace giemsa::bench
