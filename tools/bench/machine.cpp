#include "tools/bench/machine.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/base/check.h"
#include "engine/cpu/backend.h"

namespace giemsa::bench {
namespace {

namespace fs = std::filesystem;

/// Empty where it cannot be read: what a machine does not tell is left out of the report.
std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

std::optional<double> number_in_text(std::string_view text) {
  text = trimmed(text);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end != text.data() ? std::optional(value) : std::nullopt;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// The values of `key` in the style of /proc/cpuinfo.
std::vector<std::string_view> values_of(std::string_view text, std::string_view key) {
  std::vector<std::string_view> values;
  for (std::string_view line : split(text, '\n')) {
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && trimmed(line.substr(0, colon)) == key)
      values.push_back(trimmed(line.substr(colon + 1)));
  }
  return values;
}

std::optional<long> throttle_events() {
  std::optional<long> events;
  for (int core = 0;; ++core) {
    const fs::path folder = cat("/sys/devices/system/cpu/cpu", core);
    std::error_code ignored;
    if (!fs::exists(folder, ignored)) return events;
    if (const auto count = number_in_text(text_of(folder / "thermal_throttle/core_throttle_count")))
      events = events.value_or(0) + static_cast<long>(*count);
  }
}

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return text;
  char part[512];
  while (const std::size_t size = std::fread(part, 1, sizeof part, pipe)) text.append(part, size);
  return pclose(pipe) == 0 ? text : std::string();
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

rusage own_usage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage;
}

}  // namespace

std::optional<CpuTicks> parse_cpu_ticks(std::string_view proc_stat) {
  std::istringstream line{std::string(proc_stat.substr(0, proc_stat.find('\n')))};
  std::string name;
  // Time of guests, which follows, is part of user and nice.
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  if (!(line >> name >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal) || name != "cpu")
    return {};
  return CpuTicks{user + nice + system + irq + softirq + steal, idle + iowait};
}

std::vector<double> parse_core_mhz(std::string_view cpuinfo) {
  std::vector<double> mhz;
  for (std::string_view value : values_of(cpuinfo, "cpu MHz"))
    if (const auto number = number_in_text(value)) mhz.push_back(*number);
  return mhz;
}

const char* const gpu_query =
    "index,name,driver_version,clocks.sm,clocks.max.sm,clocks.mem,temperature.gpu,power.draw,"
    "clocks_throttle_reasons.active";

std::vector<GpuState> parse_gpu_states(std::string_view answer) {
  std::vector<GpuState> gpus;
  for (std::string_view line : split(answer, '\n')) {
    const auto fields = split(line, ',');
    const auto index = number_in_text(fields[0]);
    if (fields.size() != 9 || !index) continue;
    gpus.push_back({static_cast<int>(*index), std::string(fields[1]), std::string(fields[2]), number_in_text(fields[3]),
                    number_in_text(fields[4]), number_in_text(fields[5]), number_in_text(fields[6]),
                    number_in_text(fields[7]), std::string(fields[8])});
  }
  return gpus;
}

MachineState observe_machine(bool gpus) {
  MachineState state;
  state.load = number_in_text(text_of("/proc/loadavg"));
  state.core_mhz = parse_core_mhz(text_of("/proc/cpuinfo"));
  const fs::path frequency = "/sys/devices/system/cpu/cpu0/cpufreq";
  if (const auto khz = number_in_text(text_of(frequency / "cpuinfo_max_freq"))) state.max_core_mhz = *khz / 1000;
  state.governor = trimmed(text_of(frequency / "scaling_governor"));
  state.throttle_events = throttle_events();
  if (gpus)
    state.gpus = parse_gpu_states(
        output_of(cat("nvidia-smi --format=csv,noheader,nounits --query-gpu=", gpu_query, " 2>/dev/null")));
  const rusage usage = own_usage();
  state.cpu = parse_cpu_ticks(text_of("/proc/stat"));
  state.own_cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  state.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  return state;
}

std::optional<double> cores_busy_with_others(const MachineState& before, const MachineState& after) {
  const double seconds = after.seconds - before.seconds;
  if (!before.cpu || !after.cpu || !(seconds > 0)) return {};
  const double all = (after.cpu->busy - before.cpu->busy) / static_cast<double>(sysconf(_SC_CLK_TCK));
  const double own = after.own_cpu_seconds - before.own_cpu_seconds;
  return std::max(0.0, (all - own) / seconds);
}

MachineFacts machine_facts() {
  MachineFacts facts;
  const std::string cpuinfo = text_of("/proc/cpuinfo");
  const auto models = values_of(cpuinfo, "model name");
  facts.cpu = models.empty() ? "unknown" : std::string(models.front());
  utsname system{};
  if (uname(&system) == 0) facts.kernel = cat(system.sysname, ' ', system.release, ' ', system.machine);
  const CpuFacts cpu = cpu_facts();
  facts.cores = cpu.cores;
  facts.onednn = cpu.onednn_version;
  facts.isa = cpu.isa;
  return facts;
}

double peak_resident_bytes() {
  return static_cast<double>(own_usage().ru_maxrss) * 1024;  // Linux counts in KiB
}

}  // namespace giemsa::bench
