#include "tools/bench/commit.h"
#include "tools/bench/report.h"

namespace giemsa::bench {
namespace {

/// null where it is absent or no number.
Json json_of(std::optional<double> value, int decimals) {
  return value ? finite_json(rounded(*value, decimals)) : Json();
}

Json series_json(const Series& series) {
  const Distribution d = distribution_of(series.ms);
  Json samples = Json::array();
  for (double ms : series.ms) samples.push_back(rounded(ms, 4));
  return {{"name", series.name},         {"unit", "ms"},
          {"samples", d.samples},        {"min", rounded(d.min, 4)},
          {"p50", rounded(d.p50, 4)},    {"p90", json_of(d.p90, 4)},
          {"p99", json_of(d.p99, 4)},    {"p99.9", json_of(d.p99_9, 4)},
          {"max", rounded(d.max, 4)},    {"mean", rounded(d.mean, 4)},
          {"values", std::move(samples)}};
}

Json gpu_json(const GpuState& gpu) {
  return {{"index", gpu.index},
          {"name", gpu.name},
          {"driver", gpu.driver},
          {"sm_mhz", json_of(gpu.sm_mhz, 0)},
          {"max_sm_mhz", json_of(gpu.max_sm_mhz, 0)},
          {"memory_mhz", json_of(gpu.memory_mhz, 0)},
          {"temperature", json_of(gpu.temperature, 0)},
          {"watts", json_of(gpu.watts, 1)},
          {"throttle", gpu.throttle}};
}

Json state_json(const MachineState& state) {
  Json mhz = Json::array(), gpus = Json::array();
  for (double core : state.core_mhz) mhz.push_back(rounded(core, 0));
  for (const GpuState& gpu : state.gpus) gpus.push_back(gpu_json(gpu));
  return {{"load", json_of(state.load, 2)},
          {"core_mhz", std::move(mhz)},
          {"max_core_mhz", json_of(state.max_core_mhz, 0)},
          {"governor", state.governor.empty() ? Json() : Json(state.governor)},
          {"throttle_events", state.throttle_events ? Json(*state.throttle_events) : Json()},
          {"gpus", std::move(gpus)}};
}

}  // namespace

Json report_json(const Report& report) {
  Json settings = Json::object(), rows = Json::array();
  for (const auto& [name, value] : report.settings) settings[name] = value;
  for (const Series& series : report.series) rows.push_back(series_json(series));
  return {{"schema", 1},
          {"giemsa", GIEMSA_VERSION},
          {"commit", commit},
          {"compiler", compiler},
          {"subject", report.subject},
          {"device", report.device},
          {"precision", report.precision},
          {"threads", report.threads},
          {"settings", std::move(settings)},
          {"verified", report.verified},
          {"rows", std::move(rows)},
          {"memory",
           {{"peak_resident_bytes", report.memory.peak_resident_bytes},
            {"packed_weight_bytes", report.memory.packed_weight_bytes},
            {"arena_bytes", json_of(report.memory.arena_bytes, 0)}}},
          {"machine",
           {{"cpu", report.facts.cpu},
            {"cores", report.facts.cores},
            {"kernel", report.facts.kernel},
            {"onednn", report.facts.onednn},
            {"isa", report.facts.isa},
            {"cores_busy_with_others", json_of(cores_busy_with_others(report.before, report.after), 2)},
            {"before", state_json(report.before)},
            {"after", state_json(report.after)}}}};
}

StoredReport read_report(const std::string& text, const std::string& file) try {
  StoredReport stored{Json::parse(text), {}};
  check(stored.document.at("schema") == 1, ErrorKind::usage, file, ": expected schema 1, is ",
        stored.document.at("schema").dump());
  for (const Json& row : stored.document.at("rows")) {
    Series series{row.at("name").get<std::string>(), row.at("values").get<std::vector<double>>()};
    check(!series.ms.empty(), ErrorKind::usage, file, ": no values of ", series.name);
    stored.series.push_back(std::move(series));
  }
  return stored;
} catch (const Json::exception& error) {
  fail(ErrorKind::usage, file, ": not what giemsa bench --json writes: ", error.what());
}

std::string disturbance(const Json& report) {
  constexpr double most_others = 0.1;  // cores
  const auto number_at = [&](const char* path) {
    const Json::json_pointer pointer(path);
    return report.contains(pointer) && report.at(pointer).is_number() ? report.at(pointer).get<double>() : 0;
  };
  const double others = number_at("/machine/cores_busy_with_others");
  if (others > most_others) return cat("other processes kept ", rounded(others, 2), " cores busy");
  if (number_at("/machine/after/throttle_events") > number_at("/machine/before/throttle_events"))
    return "the processor throttled its clocks";
  return "";
}

std::vector<std::string> differences(const Json& baseline, const Json& candidate) {
  std::vector<std::string> found;
  const auto text_at = [](const Json& document, const std::string& path) {
    const Json::json_pointer pointer(path);
    if (!document.contains(pointer)) return std::string("absent");
    const Json& value = document.at(pointer);
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  const auto compare = [&](const std::string& path) {
    const std::string a = text_at(baseline, path), b = text_at(candidate, path);
    if (a != b) found.push_back(cat(path.substr(path.rfind('/') + 1), ": ", a, " and ", b));
  };
  for (const char* path : {"/subject", "/machine/cpu", "/device", "/precision", "/threads"}) compare(path);
  if (baseline.contains("settings") && baseline["settings"].is_object())
    for (const auto& [name, value] : baseline["settings"].items())
      if (name.find_first_of("/~") == std::string::npos) compare("/settings/" + name);
  return found;
}

Json comparison_json(const std::vector<ComparedSeries>& compared, const ComparisonOptions& options) {
  Json rows = Json::array();
  for (const ComparedSeries& row : compared)
    rows.push_back({{"name", row.name},
                    {"baseline", {{"samples", row.baseline_samples}, {"p50", rounded(row.baseline_p50, 4)}}},
                    {"candidate", {{"samples", row.candidate_samples}, {"p50", rounded(row.candidate_p50, 4)}}},
                    {"ratio", json_of(row.ratio.value, 4)},
                    {"low", json_of(row.ratio.low, 4)},
                    {"high", json_of(row.ratio.high, 4)},
                    {"verdict", to_string(row.ratio.verdict)}});
  return {
      {"schema", 1},          {"giemsa", GIEMSA_VERSION}, {"interval", 0.95},       {"replicates", options.replicates},
      {"seed", options.seed}, {"margin", options.margin}, {"rows", std::move(rows)}};
}

}  // namespace giemsa::bench
