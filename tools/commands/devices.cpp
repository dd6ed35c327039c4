// giemsa devices: what this machine has and which device `auto` takes.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "engine/cpu/backend.h"
#include "engine/device.h"
#include "tools/cli/arguments.h"
#include "tools/run/json.h"
#include "tools/text/text.h"
#include "weights/text.h"

namespace giemsa {
namespace {

/// Those of the CPU's instruction sets that matter here, from what the kernel says of the first processor.
std::vector<std::string> instruction_sets() {
  std::ifstream in("/proc/cpuinfo");
  std::string flags;
  while (std::getline(in, flags) && !flags.starts_with("flags")) {
  }
  flags += ' ';
  std::vector<std::string> found;
  for (const char* name : {"avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "avx512_fp16",
                           "amx_int8", "amx_bf16"})
    if (flags.find(cat(' ', name, ' ')) != std::string::npos) found.push_back(name);
  return found;
}

Exit devices(bool json) {
  const CpuFacts facts = cpu_facts();
  const std::string& model = facts.model;
  const double memory_gib = static_cast<double>(facts.memory_bytes) / (1 << 30);
  const std::vector<std::string> sets = instruction_sets();
  const std::string no_cuda = why_no_cuda();
  const std::vector<Gpu> gpus = no_cuda.empty() ? usable_gpus() : std::vector<Gpu>();
  if (json) {
    Json cuda = {{"available", gpus.size() > 0}};
    if (gpus.empty()) cuda["reason"] = no_cuda;
    for (const Gpu& gpu : gpus)
      cuda["gpus"].push_back({{"index", gpu.index},
                              {"name", gpu.name},
                              {"compute_capability", gpu.compute_capability},
                              {"multiprocessors", gpu.multiprocessors},
                              {"memory_gib", rounded(gpu.memory_gib, 1)},
                              {"driver_cuda", gpu.driver}});
    const Json document = {{"schema", 1},
                           {"giemsa", GIEMSA_VERSION},
                           {"cpu",
                            {{"model", model},
                             {"cores", facts.cores},
                             {"instruction_sets", sets},
                             {"memory_gib", rounded(memory_gib, 1)},
                             {"onednn", facts.onednn_version},
                             {"onednn_isa", facts.isa},
                             {"fp32", true},
                             {"bf16", facts.fast_bf16},
                             {"int8", facts.fast_int8}}},
                           {"cuda", std::move(cuda)},
                           {"auto", gpus.empty() ? "cpu" : cat("cuda:", gpus.front().index)}};
    std::cout << to_text(document, 1) << '\n';
    return Exit::ok;
  }
  std::cout << "cpu   " << (model.empty() ? "unknown model" : printable(model)) << '\n'
            << "      " << facts.cores << (facts.cores == 1 ? " core, " : " cores, ") << rounded(memory_gib, 1)
            << " GiB memory\n"
            << "      instructions: " << join(sets, " ") << '\n'
            << "      oneDNN " << facts.onednn_version << ", generating code for " << facts.isa << '\n'
            << "      precisions: fp32" << (facts.fast_bf16 ? ", bf16" : "") << (facts.fast_int8 ? ", int8" : "")
            << (facts.fast_bf16 ? "" : "; no bf16, which needs AVX512_BF16")
            << (facts.fast_int8 ? "" : "; no int8, which needs AVX512_VNNI or AVX_VNNI") << '\n'
            << (gpus.empty() ? cat("cuda  none: ", no_cuda, '\n') : "");
  for (const Gpu& gpu : gpus)
    std::cout << "cuda:" << gpu.index << ' ' << gpu.name << ", compute capability " << gpu.compute_capability << ", "
              << gpu.multiprocessors << " multiprocessors, " << rounded(gpu.memory_gib, 1) << " GiB\n"
              << "       driver for CUDA " << gpu.driver << "; precisions: fp16, fp32\n";
  std::cout << "auto takes " << (gpus.empty() ? "cpu" : cat("cuda:", gpus.front().index)) << '\n';
  return Exit::ok;
}

}  // namespace

void add_devices(CommandLine& line) {
  auto json = std::make_shared<bool>(false);
  Subcommand command(line, "devices", "show what this machine has and which device auto takes",
                     "Examples:\n  giemsa devices\n  giemsa devices --json");
  command.flag("--json", *json, "machine-readable");
  command.runs([json] { return devices(*json); });
}

}  // namespace giemsa
