#include <algorithm>
#include <numeric>

#include "tools/bench/commit.h"
#include "tools/bench/report.h"
#include "tools/text/csv.h"
#include "tools/text/text.h"

namespace giemsa::bench {
namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

std::string ms_text(std::optional<double> ms, const char* otherwise) {
  return ms ? format("%.3f", *ms) : otherwise;
}

/// "p50" ... "mean" of a series, `otherwise` where there are too few samples.
std::vector<std::string> figures(const Distribution& d, const char* otherwise) {
  return {std::to_string(d.samples), ms_text(d.min, otherwise), ms_text(d.p50, otherwise),
          ms_text(d.p90, otherwise), ms_text(d.p99, otherwise), ms_text(d.p99_9, otherwise),
          ms_text(d.max, otherwise), ms_text(d.mean, otherwise)};
}

constexpr const char* figure_names[] = {"samples", "min", "p50", "p90", "p99", "p99.9", "max", "mean"};

std::string megabytes(double bytes) {
  return format("%.1f MB", bytes / 1e6);
}

std::string range_text(const std::vector<double>& values, const char* unit) {
  const auto [least, most] = std::ranges::minmax_element(values);
  return *least == *most ? format("%.0f %s", *least, unit) : format("%.0f to %.0f %s", *least, *most, unit);
}

std::string clock_text(const Report& report) {
  std::vector<double> mhz = report.before.core_mhz;
  mhz.insert(mhz.end(), report.after.core_mhz.begin(), report.after.core_mhz.end());
  std::string text = mhz.empty() ? "unknown" : range_text(mhz, "MHz before and after");
  if (report.after.max_core_mhz) text += format(", at most %.0f MHz", *report.after.max_core_mhz);
  return report.after.governor.empty() ? text : cat(text, ", governor ", report.after.governor);
}

std::string throttle_text(const MachineState& before, const MachineState& after) {
  if (!before.throttle_events || !after.throttle_events) return "not told by this machine";
  return cat(*after.throttle_events - *before.throttle_events, " throttle events");
}

std::string gpu_text(const GpuState& gpu) {
  const auto number = [](std::optional<double> value, const char* unit) {
    return value ? format("%.0f %s", *value, unit) : cat("? ", unit);
  };
  return cat(gpu.name, ", driver ", gpu.driver, ", ", number(gpu.sm_mhz, "MHz"), " of ", number(gpu.max_sm_mhz, "MHz"),
             ", memory ", number(gpu.memory_mhz, "MHz"), ", ", number(gpu.temperature, "degrees C"), ", ",
             number(gpu.watts, "W"), ", throttle reasons ", gpu.throttle);
}

Facts facts_of(const Report& report) {
  Facts facts = {{"device", report.device}, {"precision", report.precision}, {"threads", cat(report.threads)}};
  facts.insert(facts.end(), report.settings.begin(), report.settings.end());
  facts.emplace_back("verified", report.verified);
  const Memory& memory = report.memory;
  facts.emplace_back("memory", cat("peak resident ", megabytes(memory.peak_resident_bytes), ", packed weights ",
                                   megabytes(memory.packed_weight_bytes), ", arena ",
                                   memory.arena_bytes ? megabytes(*memory.arena_bytes) : "not told by this device"));
  facts.emplace_back("machine", cat(report.facts.cpu, ", ", report.facts.cores, " cores, ", report.facts.kernel));
  facts.emplace_back("clocks", clock_text(report));
  facts.emplace_back("throttling", throttle_text(report.before, report.after));
  for (const GpuState& gpu : report.after.gpus) facts.emplace_back(cat("gpu ", gpu.index), gpu_text(gpu));
  const auto others = cores_busy_with_others(report.before, report.after);
  facts.emplace_back("others", others ? format("kept %.2f cores busy", *others) : "unknown");
  facts.emplace_back("build", cat("giemsa ", GIEMSA_VERSION, ", commit ", commit, ", ", compiler));
  return facts;
}

/// The percentiles that some series had too few samples for.
std::string missing_text(const Report& report) {
  const auto most =
      std::ranges::max(report.series, {}, [](const Series& series) { return series.ms.size(); }).ms.size();
  if (most >= 1000) return "";
  return cat("p90, p99 and p99.9 need 10, 100 and 1000 samples; there are ", most, '\n');
}

}  // namespace

std::string report_table(const Report& report) {
  std::size_t width = 0, fact_width = 0;
  for (const Series& series : report.series) width = std::max(width, series.name.size());
  std::string table = padded("ms", width);
  for (const char* name : figure_names) table += format("%10s", name);
  table += '\n';
  for (const Series& series : report.series) {
    table += padded(series.name, width);
    for (const std::string& figure : figures(distribution_of(series.ms), "-")) table += format("%10s", figure.c_str());
    table += '\n';
  }
  table += missing_text(report) + '\n';
  const Facts facts = facts_of(report);
  for (const auto& [name, value] : facts) fact_width = std::max(fact_width, name.size());
  for (const auto& [name, value] : facts) table += cat(padded(name, fact_width), "  ", printable(value), '\n');
  return table;
}

std::string report_csv(const Report& report) {
  CsvWriter csv;
  csv.text("name");
  for (const char* name : figure_names) csv.text(name);
  csv.end_row();
  for (const Series& series : report.series) {
    csv.text(series.name);
    for (const std::string& figure : figures(distribution_of(series.ms), "")) csv.number(figure);
    csv.end_row();
  }
  return csv.rows();
}

std::string report_markdown(const Report& report) {
  std::string text = "| ms |", rule = "|---|";
  for (const char* name : figure_names) {
    text += cat(' ', name, " |");
    rule += "---:|";
  }
  text += cat('\n', rule, '\n');
  for (const Series& series : report.series) {
    text += cat("| ", series.name, " |");
    for (const std::string& figure : figures(distribution_of(series.ms), "")) text += cat(' ', figure, " |");
    text += '\n';
  }
  text += "\n| | |\n|---|---|\n";
  for (const auto& [name, value] : facts_of(report)) text += cat("| ", name, " | ", printable(value), " |\n");
  return text;
}

std::string comparison_table(const std::vector<ComparedSeries>& compared, const ComparisonOptions& options) {
  std::size_t width = 0;
  for (const ComparedSeries& row : compared) width = std::max(width, row.name.size());
  std::string table = padded("p50, ms", width) + "   baseline  candidate   ratio    95 % interval\n";
  for (const ComparedSeries& row : compared) {
    const bool sure = row.ratio.verdict != Verdict::too_few;  // so that there is an interval
    table += padded(row.name, width) +
             format(" %10.3f %10.3f  %6.3f  ", row.baseline_p50, row.candidate_p50, row.ratio.value);
    table += sure ? format("%7.3f to %5.3f  ", row.ratio.low, row.ratio.high) : padded("", 18);
    table += to_string(row.ratio.verdict);
    if (!sure)
      table += cat(": ", row.baseline_samples, " and ", row.candidate_samples, " samples, ", options.least, " needed");
    table += '\n';
  }
  return table + cat("\nratio: candidate over baseline; FASTER or SLOWER where the whole interval is more than ",
                     options.margin * 100, " % off.\nInterval: block bootstrap of the median, ", options.replicates,
                     " replicates, seed ", options.seed,
                     "; it does not cover what changes from run to run.\nDISTURBED: the machine was busy, or the change is less "
                     "than twice what one of the runs drifted by itself.\n");
}

}  // namespace giemsa::bench
