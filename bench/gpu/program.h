// What the programs here share: their report as a JSON file, and their exit status.
#pragma once

#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/gpu/timing.h"
#include "engine/base/atomic_file.h"
#include "engine/base/check.h"

namespace giemsa::bench {

/// Writes the report to `file`, if one is named, in one stroke: whoever stops the program, at whatever moment, finds
/// the last report whole. Called after each part that was measured. Throws Error(output).
inline void save_report(const std::string& file, const nlohmann::json& report) {
  if (!file.empty()) write_file_atomically(file, report.dump(1) + '\n');
}

/// Percentiles of times in `unit` microseconds: {"p50", "p90", "p99", "samples"}.
inline nlohmann::json percentiles(const Timing& timing, double unit = 1) {
  return {{"p50", timing.median / unit},
          {"p90", timing.p90 / unit},
          {"p99", timing.p99 / unit},
          {"samples", timing.samples}};
}

/// The status of `program`; where it throws, prints one line that starts with `name` and returns 4 without a usable
/// GPU, 2 for what the user gave, else 1.
inline int run_program(const char* name, const std::function<int()>& program) {
  try {
    return program();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return error.kind() == ErrorKind::device ? 4 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return 1;
  }
}

}  // namespace giemsa::bench
