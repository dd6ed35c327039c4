// giemsa trace: where a network's time goes, layer by layer.
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

#include "engine/base/atomic_file.h"
#include "engine/cpu/backend.h"
#include "engine/device.h"
#include "nets/architecture.h"
#include "tools/bench/commit.h"
#include "tools/bench/network.h"
#include "tools/bench/trace_json.h"
#include "tools/cli/arguments.h"
#include "tools/cli/model_files.h"
#include "tools/cli/network_options.h"

namespace giemsa {
namespace {

using namespace bench;

struct TraceArguments {
  std::string model, net, input, out;
  std::int64_t batch = 1;
  DeviceOptions compute;
  int runs = 25;
  std::size_t top = 20;
};

/// What is run on which input.
struct Traced {
  Model model;
  std::optional<InputSize> size;
  std::int64_t batch = 1;
};

Traced traced_of(const TraceArguments& arguments) {
  check(arguments.model.empty() != arguments.net.empty(), ErrorKind::usage, "name a MODEL or a --net, and not both");
  if (!arguments.net.empty()) {
    const NetSpec spec = naming("--net", [&] { return NetSpec::parse(arguments.net); });
    return {random_network(spec.arch), spec.size, spec.batch};
  }
  Traced traced{open_model(arguments.model), {}, arguments.batch};
  if (!arguments.input.empty()) traced.size = naming("--input", [&] { return InputSize::parse(arguments.input); });
  return traced;
}

/// Of the device that the backend computes on.
Ceilings ceilings_of(const Backend& backend, int threads) {
  if (const auto gpu = backend.measure_ceilings())
    return {.fp32_flops = gpu->fp32_flops, .fp16_flops = gpu->fp16_flops, .copy_bytes = gpu->copy_bytes};
  return measure_ceilings(threads > 0 ? threads : cpu_facts().cores);
}

Exit trace(const TraceArguments& arguments) {
  const Traced traced = traced_of(arguments);
  const auto backend = open_device(arguments.compute);
  check_scales(traced.model, backend->precision());
  const auto session = backend->compile(network_graph(traced.model, traced.size, traced.batch));
  const Graph& graph = session->graph();
  const DType precision = backend->precision();
  const auto input = network_input(graph, 0);
  verify_session(*session, {input});
  const LayerProfile profile = profile_layers(*session, precision, input, arguments.runs);

  const Ceilings ceilings = ceilings_of(*backend, arguments.compute.threads);
  const TraceFacts facts = {{"giemsa", cat(GIEMSA_VERSION, ", commit ", commit)},
                            {"network", traced.model.file},
                            {"input", cat(graph[graph.inputs()[0]].type.shape)},
                            {"device", backend->device_name()},
                            {"precision", std::string(name_of(precision))}};
  if (!arguments.out.empty())
    write_file_atomically(arguments.out, to_text(trace_json(profile, graph, precision, &ceilings, facts, describe), 1));
  for (const auto& [name, value] : facts) std::cout << name << ": " << value << '\n';
  std::cout << '\n' << trace_table(profile, graph, precision, &ceilings, arguments.top, describe);
  return Exit::ok;
}

constexpr const char* trace_footer = R"(Examples:
  giemsa trace weights/pretrained/alexnet_wbc.safetensors -o trace.json
  giemsa trace --net deeplabv3plus:512x512 --precision bf16 --top 10

Open trace.json at https://ui.perfetto.dev. It shows the run whose total is the median of all runs; the table has the
median of each layer. On the CPU layers are timed one by one, each to its end, so their sum is more than the network takes
at once. On a GPU the device notes the time after each layer, within a CUDA graph that the host starts once; a layer that
has nothing to do shows what that costs. The run's own time has the copies from and to the host too.
FLOPs (2 a multiply-add) and bytes are what a layer must at least do: each value read and written once. On the CPU
3x3 convolutions in fp32 take fewer FLOPs than their definition (Winograd's algorithm) and may exceed 100 %.)";

}  // namespace

void add_trace(CommandLine& line) {
  auto arguments = std::make_shared<TraceArguments>();
  TraceArguments& a = *arguments;
  Subcommand command(line, "trace", "show where a network's time goes, layer by layer", trace_footer);
  Option model = command.option("MODEL", &a.model, " ", "a model file that giemsa convert made");
  command.option("--net", &a.net, "NET[:WxH][:BATCH]", "instead, of random weights: " + architecture_names())
      .excludes(model);
  command.option("--input", &a.input, "WxH|LONG", "size of MODEL's input (default: its own, for a 640x480 image)")
      .needs(model);
  command.option("--batch", &a.batch, "N", "inputs at once to MODEL (default: 1)")
      .check(number_in(1, 1024))
      .needs(model);
  command.option("-o,--out", &a.out, "FILE", "write a trace for Perfetto");
  command.option("--top", &a.top, "N", "layers in the table, slowest first (default: 20)").check(number_in(1, 1e6));
  command.option("--runs", &a.runs, "N", "runs whose median counts (default: 25)").check(number_in(1, 1e6));
  add_compute_options(command, a.compute);
  command.runs([arguments] { return trace(*arguments); });
}

}  // namespace giemsa
