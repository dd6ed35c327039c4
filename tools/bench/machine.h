// The state of the machine around a measurement: clocks, throttling, and who else was at work.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace giemsa::bench {

/// Processor time of the whole machine, in ticks of sysconf(_SC_CLK_TCK).
struct CpuTicks {
  double busy = 0, idle = 0;
};

/// The first line of /proc/stat; nothing where it is not that.
std::optional<CpuTicks> parse_cpu_ticks(std::string_view proc_stat);

/// "cpu MHz" of every core in /proc/cpuinfo.
std::vector<double> parse_core_mhz(std::string_view cpuinfo);

/// What nvidia-smi says of one GPU.
struct GpuState {
  int index = 0;
  std::string name, driver;
  std::optional<double> sm_mhz, max_sm_mhz, memory_mhz, temperature, watts;
  std::string throttle;  ///< the bits of the reasons that now hold the clocks down: "0x0000000000000000" is none
};

/// Names of the fields for `nvidia-smi --query-gpu`, and the GPUs in its answer (csv, noheader, nounits). Lines that
/// cannot be read are left out.
extern const char* const gpu_query;
std::vector<GpuState> parse_gpu_states(std::string_view answer);

/// One moment.
struct MachineState {
  double seconds = 0;           ///< of a steady clock
  double own_cpu_seconds = 0;   ///< that this process has used
  std::optional<double> load;   ///< average of one minute
  std::optional<CpuTicks> cpu;  ///< of the machine, containers beside this one included
  std::vector<double> core_mhz;
  std::optional<double> max_core_mhz;
  std::string governor;
  std::optional<long> throttle_events;  ///< of all cores since the machine started
  std::vector<GpuState> gpus;           ///< only where asked for
};

/// `gpus`: run nvidia-smi, where there is one.
MachineState observe_machine(bool gpus);

/// Cores that others kept busy between two moments, on average.
std::optional<double> cores_busy_with_others(const MachineState& before, const MachineState& after);

/// What does not change.
struct MachineFacts {
  std::string cpu, kernel;
  int cores = 0;  ///< that this process may use
  std::string onednn, isa;
};
MachineFacts machine_facts();

/// Of this process so far, in bytes.
double peak_resident_bytes();

}  // namespace giemsa::bench
