#include "tools/cli/network_options.h"

namespace giemsa {

namespace {

/// Adds options to one command under one heading.
auto adder(CLI::App& command, const char* group) {
  return [&command, group](const char* name, auto& target, const char* value, const std::string& help) {
    CLI::Option* option = command.add_option(name, target, help)->type_name(value);
    return group ? option->group(group) : option;
  };
}

}  // namespace

void add_model_options(CLI::App& command, std::string& segmenter, std::string& classifier, const char* group) {
  const auto option = adder(command, group);
  option("--segmenter", segmenter, "FILE", "network that finds the cells (default: the one that comes along)");
  option("--classifier", classifier, "FILE", "network that names them (default: the one that comes along)");
}

void add_compute_options(CLI::App& command, DeviceOptions& compute, const char* group) {
  const auto option = adder(command, group);
  option("--device", compute.device, "DEVICE", cat("auto, cpu, cuda or cuda:N (default: ", compute.device, ")"))
      ->check(device_name_syntax());
  option("--precision", compute.precision, "TYPE",
         cat("auto, fp32, fp16, bf16 or int8 (default: ", compute.precision, ")"))
      ->check(one_of({"auto", "fp32", "fp16", "bf16", "int8"}));
  option("--threads", compute.threads, "N", "CPU threads (default: one a core)")->check(number_in(1, 1024));
  option("--tuning", compute.tuning, "FILE", "plans for a GPU's kernels, by giemsa tune (default: the built-in ones)");
  option("--provider", compute.provider, "NAME",
         cat("who multiplies matrices on a GPU where it can: own kernels, cudnn or cublas (default: ", compute.provider,
             ")"))
      ->check(one_of({"own", "cudnn", "cublas"}));
}

}  // namespace giemsa
