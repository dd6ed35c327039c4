#include "tools/cli/network_options.h"

namespace giemsa {

void add_model_options(Subcommand& command, std::string& segmenter, std::string& classifier) {
  command.option("--segmenter", &segmenter, "FILE", "network that finds the cells (default: the shipped one)");
  command.option("--classifier", &classifier, "FILE", "network that names them (default: the shipped one)");
}

void add_profile_option(Subcommand& command, std::string& profile) {
  command
      .option("--profile,--stain", [&profile](const std::string& text) { profile = text == "none" ? "" : text; },
              "FILE", "what giemsa adapt learnt from a laboratory's cells (default: none)")
      .check(Check([](const std::string& text) -> std::string {
        return text == "auto" ? "auto: a profile is made from corrected cells, by giemsa adapt" : "";
      }));
}

void add_compute_options(Subcommand& command, DeviceOptions& compute) {
  command
      .option("--device", &compute.device, "DEVICE", cat("auto, cpu, cuda or cuda:N (default: ", compute.device, ")"))
      .check(device_name_syntax());
  command
      .option("--precision", &compute.precision, "TYPE",
              cat("auto, fp32, fp16, bf16 or int8 (default: ", compute.precision, ")"))
      .check(one_of({"auto", "fp32", "fp16", "bf16", "int8"}));
  command.option("--threads", &compute.threads, "N", "CPU threads (default: one per core)").check(number_in(1, 1024));
  command.option("--tuning", &compute.tuning, "FILE",
                 "plans for a GPU's kernels, by giemsa tune (default: the built-in ones)");
  command
      .option("--provider", &compute.provider, "NAME",
              cat("library that computes the layers it has on a GPU: own, cudnn or cublas (default: ",
                  compute.provider, ")"))
      .check(one_of({"own", "cudnn", "cublas"}));
}

}  // namespace giemsa
