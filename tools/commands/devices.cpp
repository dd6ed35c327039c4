// giemsa devices: what this machine has and which device `auto` takes.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "engine/cpu/backend.h"
#include "tools/commands/command.h"
#include "tools/outputs/json.h"
#include "tools/outputs/text.h"

namespace giemsa {
namespace {

/// The first value of `key` in /proc/cpuinfo, or nothing.
std::string cpuinfo(const std::string& key) {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const auto value = line.find(": ");
    if (value != std::string::npos) return line.substr(value + 2);
  }
  return {};
}

/// Those of the CPU's instruction sets that matter here.
std::vector<std::string> instruction_sets() {
  const std::string flags = ' ' + cpuinfo("flags") + ' ';
  std::vector<std::string> found;
  for (const char* name : {"avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "avx512_fp16",
                           "amx_int8", "amx_bf16"})
    if (flags.find(cat(' ', name, ' ')) != std::string::npos) found.push_back(name);
  return found;
}

double memory_gib() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE)) / (1 << 30);
}

/// Why there is no CUDA device.
std::string cuda_state() {
  const bool driver = std::filesystem::exists("/proc/driver/nvidia/version");
  return cat("not in this build", driver ? " (an NVIDIA driver is loaded)" : " (no NVIDIA driver here either)");
}

Exit devices(bool json) {
  const CpuFacts facts = cpu_facts();
  const std::string model = cpuinfo("model name");
  const std::vector<std::string> sets = instruction_sets();
  if (json) {
    const Json document = {{"schema", 1},
                           {"giemsa", GIEMSA_VERSION},
                           {"cpu",
                            {{"model", model},
                             {"cores", facts.cores},
                             {"instruction_sets", sets},
                             {"memory_gib", rounded(memory_gib(), 1)},
                             {"onednn", facts.onednn_version},
                             {"onednn_isa", facts.isa},
                             {"fp32", true},
                             {"bf16", facts.fast_bf16}}},
                           {"cuda", {{"available", false}, {"reason", cuda_state()}}},
                           {"auto", "cpu"}};
    std::cout << to_text(document, 1) << '\n';
    return Exit::ok;
  }
  std::cout << "cpu   " << (model.empty() ? "unknown model" : printable(model)) << '\n'
            << "      " << facts.cores << (facts.cores == 1 ? " core, " : " cores, ") << rounded(memory_gib(), 1)
            << " GiB memory\n"
            << "      instructions: " << CLI::detail::join(sets, " ") << '\n'
            << "      oneDNN " << facts.onednn_version << ", generating code for " << facts.isa << '\n'
            << "      precisions: fp32" << (facts.fast_bf16 ? ", bf16" : "; no bf16, which needs AVX512_BF16") << '\n'
            << "cuda  " << cuda_state() << '\n'
            << "auto takes cpu\n";
  return Exit::ok;
}

}  // namespace

void add_devices(CLI::App& app, Action& action) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("devices", "show what this machine has and which device auto takes");
  command->footer("Examples:\n  giemsa devices\n  giemsa devices --json");
  command->add_flag("--json", *json, "machine-readable");
  command->callback([json, &action] { action = [json] { return devices(*json); }; });
}

}  // namespace giemsa
