#include "tools/eval/differential_comparison.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <numeric>
#include <optional>
#include <set>

#include "engine/base/check.h"
#include "tools/text/csv_reader.h"
#include "tools/text/text.h"
#include "weights/mapped_file.h"

namespace giemsa::eval {
namespace {

namespace fs = std::filesystem;

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0) || std::isinf(value)) return {};
  return value;
}

DifferentialTable read_differentials(const fs::path& file) {
  return naming(file.string(), [&] {
    std::ifstream stream(file, std::ios::binary);
    check(stream.is_open(), ErrorKind::usage, "cannot be read");
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    return parse_differentials(text);
  });
}

/// The classes that every patient of a table has.
std::set<std::string> classes_of(const DifferentialTable& table) {
  std::set<std::string> classes;
  for (const auto& [name, value] : table.begin()->second) classes.insert(name);
  for (const auto& [patient, values] : table)
    std::erase_if(classes, [&](const std::string& name) { return !values.contains(name); });
  return classes;
}

/// Percentages of these classes; none where there are no cells of them.
std::vector<double> shares_among(const std::map<std::string, double>& values, std::span<const std::string> classes) {
  std::vector<double> shares;
  for (const std::string& name : classes) shares.push_back(values.at(name));
  const double all = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (all == 0) return {};
  for (double& share : shares) share *= 100 / all;
  return shares;
}

std::string interval_text(const char* figure, double value, const Interval& interval) {
  if (std::isnan(value)) return "-";
  return format(figure, value) + " (" + format(figure, interval.low) + " to " + format(figure, interval.high) + ')';
}

Json interval_json(const Interval& interval) {
  return {finite_json(interval.low), finite_json(interval.high)};
}

}  // namespace

DifferentialTable parse_differentials(std::string_view text) {
  CsvReader records(text);
  std::vector<std::string> head, fields;
  check(records.next(head), ErrorKind::usage, "line 1: no column 'patient'");
  const auto patient = static_cast<std::size_t>(std::ranges::find(head, "patient") - head.begin());
  check(patient < head.size(), ErrorKind::usage, "line 1: no column 'patient'");
  DifferentialTable table;
  while (records.next(fields)) {
    check(fields.size() == head.size(), ErrorKind::usage, "line ", records.line(), ": ", fields.size(),
          " fields, expected ", head.size());
    const auto [row, is_new] = table.try_emplace(fields[patient]);
    check(is_new, ErrorKind::usage, "line ", records.line(), ": '", fields[patient], "' again");
    for (std::size_t i = 0; i < head.size(); ++i)
      if (const auto value = number_of(fields[i]); value && i != patient) row->second.emplace(head[i], *value);
  }
  check(!table.empty(), ErrorKind::usage, "holds no patient");
  return table;
}

DifferentialComparison compare_differentials(const DifferentialTable& results, const DifferentialTable& reference) {
  // What patients.csv has beside classes is no class, whatever the other table calls so.
  static const std::set<std::string> others = {"images", "cells", "unsure", "other"};
  std::vector<std::string> classes;
  std::ranges::set_intersection(classes_of(results), classes_of(reference), std::back_inserter(classes));
  std::erase_if(classes, [](const std::string& name) { return others.contains(name); });
  check(!classes.empty(), ErrorKind::usage, "no class that both tables have in every row");

  DifferentialComparison comparison;
  std::vector<std::vector<double>> x(classes.size()), y(classes.size());
  for (const auto& [patient, values] : reference) {
    const auto found = results.find(patient);
    const std::vector<double> expected = shares_among(values, classes);
    const std::vector<double> actual =
        found == results.end() ? std::vector<double>() : shares_among(found->second, classes);
    if (expected.empty() || actual.empty()) {
      comparison.left_out.push_back(patient);
      continue;
    }
    comparison.patients.push_back(patient);
    for (std::size_t k = 0; k < classes.size(); ++k) {
      x[k].push_back(expected[k]);
      y[k].push_back(actual[k]);
    }
  }
  for (const auto& [patient, values] : results)
    if (!reference.contains(patient)) comparison.left_out.push_back(patient);
  check(!comparison.patients.empty(), ErrorKind::usage, "no patient that both tables have, with cells in both");

  for (std::size_t k = 0; k < classes.size(); ++k)
    comparison.classes.push_back({classes[k], mean_of_defined(x[k]), mean_of_defined(y[k]), passing_bablok(x[k], y[k]),
                                  bland_altman(x[k], y[k])});
  return comparison;
}

DifferentialComparison compare_differentials(const fs::path& results, const fs::path& reference) {
  const DifferentialTable ours = read_differentials(fs::is_directory(results) ? results / "patients.csv" : results);
  return compare_differentials(ours, read_differentials(reference));
}

void print_comparison(std::ostream& out, const DifferentialComparison& comparison) {
  out << counted(comparison.patients.size(), "patient") << "; shares in %, ours less the reference's in percentage points, "
      << "95 % intervals in brackets\n\n";
  constexpr std::size_t width = 12, figure = 24;
  out << padded("class", width) << "  reference    ours  " << padded("difference", figure) << padded("limits of agreement", figure)
      << padded("slope", figure) << "intercept\n";
  for (const ClassAgreement& one : comparison.classes) {
    const BlandAltman& d = one.differences;
    const PassingBablok& r = one.regression;
    out << padded(printable(one.name), width) << format("  %9.1f  %6.1f  ", one.reference_mean, one.mean)
        << padded(interval_text("%.1f", d.bias, d.bias_interval), figure)
        << padded(std::isnan(d.bias) ? "-" : format("%.1f to %.1f", d.limits.low, d.limits.high), figure)
        << padded(interval_text("%.2f", r.slope, r.slope_interval), figure)
        << interval_text("%.1f", r.intercept, r.intercept_interval) << '\n';
  }
  if (!comparison.left_out.empty()) {
    out << "\nleft out, in one table only or without cells:";
    for (const std::string& patient : comparison.left_out) out << ' ' << printable(patient);
    out << '\n';
  }
  out << "\nDifferences as Bland and Altman 1999, regression as Passing and Bablok 1983.\n";
}

Json comparison_json(const DifferentialComparison& comparison) {
  Json classes = Json::object();
  for (const ClassAgreement& one : comparison.classes) {
    const BlandAltman& d = one.differences;
    const PassingBablok& r = one.regression;
    classes[one.name] = {
        {"reference_mean", finite_json(one.reference_mean)},
        {"mean", finite_json(one.mean)},
        {"bias", {{"value", finite_json(d.bias)}, {"interval", interval_json(d.bias_interval)}}},
        {"deviation", finite_json(d.deviation)},
        {"limits_of_agreement", interval_json(d.limits)},
        {"slope", {{"value", finite_json(r.slope)}, {"interval", interval_json(r.slope_interval)}}},
        {"intercept", {{"value", finite_json(r.intercept)}, {"interval", interval_json(r.intercept_interval)}}}};
  }
  return {{"unit", "percent"},
          {"patients", comparison.patients},
          {"left_out", comparison.left_out},
          {"classes", std::move(classes)}};
}

}  // namespace giemsa::eval
