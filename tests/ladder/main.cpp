// ladder_counts [--json FILE] [--check FILE]: what each step of the ladders (kernels/ladder) asks of a GPU, counted by
// the emulator. No times: no GPU takes part.
//
// --check compares with a saved file, and says nothing but that it cannot (status 77) where another compiler built
// this: which loads it keeps is its own affair.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/base/check.h"
#include "tests/ladder/cases.h"

namespace giemsa::ladder {

namespace {

using nlohmann::json;

constexpr int skipped = 77;

json json_of(const simt::Counts& c) {
  const auto traffic = [](const simt::Counts::Traffic& t) {
    return json{{"instructions", t.instructions}, {"sectors", t.sectors}, {"useful_bytes", t.useful_bytes}};
  };
  return {{"launches", c.launches},
          {"fills", c.fills},
          {"host_waits", c.host_reads},
          {"blocks", c.blocks},
          {"warps", c.warps},
          {"global_read", traffic(c.read)},
          {"global_write", traffic(c.write)},
          {"shared",
           {{"instructions", c.shared.instructions},
            {"wavefronts", c.shared.wavefronts},
            {"wavefronts_without_conflicts", c.shared.least}}},
          {"global_atomics", c.global_atomics},
          {"shared_atomics", c.shared_atomics},
          {"barriers", c.barriers},
          {"warp_operations", c.warp_operations},
          {"matrix_instructions", c.matrix_products}};
}

json json_of(const Case& c) {
  json result{{"title", c.title}, {"shape", c.shape}, {"bytes_at_least", c.useful_bytes}, {"steps", json::array()}};
  if (c.multiply_adds > 0) result["multiply_adds"] = c.multiply_adds;
  for (const Step& step : c.steps) {
    json row{{"name", step.name}, {"change", step.change}, {"counts", json_of(step.counts)}};
    if (!step.detail.empty()) row["detail"] = step.detail;
    for (const auto& [order, counts] : step.other_orders) row["other_orders"][order] = json_of(counts);
    result["steps"].push_back(std::move(row));
  }
  return result;
}

void print(const Case& c) {
  std::printf("\n%s (%s)\n", c.title.c_str(), c.shape.c_str());
  std::printf("%-16s %8s %6s %7s %9s %7s %9s %7s %9s %8s %9s %9s %8s %8s\n", "step", "launches", "waits", "blocks",
              "KiB read", "useful", "KiB write", "useful", "wavefront", "conflict", "global at", "shared at",
              "barriers", "mma");
  const auto share = [](double part, double whole) { return whole > 0 ? 100 * part / whole : 0; };
  const auto line = [&](const std::string& name, const simt::Counts& n) {
    const auto kib = [](const simt::Counts::Traffic& t) { return static_cast<double>(t.sectors) / 32; };
    const auto useful = [&](const simt::Counts::Traffic& t) {
      return share(static_cast<double>(t.useful_bytes), static_cast<double>(t.sectors) * 32);
    };
    std::printf("%-16s %8ld %6ld %7ld %9.1f %6.1f%% %9.1f %6.1f%% %9ld %7.2fx %9ld %9ld %8ld %8ld\n", name.c_str(),
                n.launches, n.host_reads, n.blocks, kib(n.read), useful(n.read), kib(n.write), useful(n.write),
                n.shared.wavefronts,
                n.shared.least > 0 ? static_cast<double>(n.shared.wavefronts) / static_cast<double>(n.shared.least) : 0,
                n.global_atomics, n.shared_atomics, n.barriers, n.matrix_products);
  };
  for (const Step& step : c.steps) {
    line(step.name, step.counts);
    for (const auto& [order, counts] : step.other_orders) line("  " + order, counts);
  }
}

/// 0 where `counted` is what the file holds.
int compare(const json& counted, const std::string& file) {
  std::ifstream in(file);
  check(in.good(), ErrorKind::usage, "cannot read ", file);
  const json saved = json::parse(in);
  if (saved["compiler"] != counted["compiler"]) {
    std::cout << "MESSAGE: skipped: " << file << " was counted with " << saved["compiler"] << ", this was built with "
              << counted["compiler"] << '\n';
    return skipped;
  }
  if (saved == counted) return 0;
  std::cout << file << " is not what is counted now: " << json::diff(saved, counted).dump(1) << '\n';
  return 1;
}

int run(int argc, char** argv) {
  std::string save, check_against;
  for (int i = 1; i < argc; i += 2) {
    const std::string option = argv[i];
    check((option == "--json" || option == "--check") && i + 1 < argc, ErrorKind::usage,
          "usage: ladder_counts [--json FILE] [--check FILE]");
    (option == "--json" ? save : check_against) = argv[i + 1];
  }
  json report{{"what", "what each step asks of a GPU, counted by the emulator; no times"},
              {"command", "build-ci/tests/simt/ladder_counts --json bench/results/emulator/ladder.json"},
              {"compiler", "GCC " __VERSION__},
              {"convolution", json::array()},
              {"labels", json::array()},
              {"split", json::array()}};
  for (const auto& [key, cases] : {std::pair{"convolution", count_convolutions()}, std::pair{"labels", count_labels()},
                                   std::pair{"split", count_split()}})
    for (const Case& c : cases) {
      print(c);
      report[key].push_back(json_of(c));
    }
  if (!save.empty()) std::ofstream(save) << report.dump(1) << '\n';
  return check_against.empty() ? 0 : compare(report, check_against);
}

}  // namespace

}  // namespace giemsa::ladder

int main(int argc, char** argv) {
  try {
    return giemsa::ladder::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "ladder_counts: " << error.what() << '\n';
    return 1;
  }
}
