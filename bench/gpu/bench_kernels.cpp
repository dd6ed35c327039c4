// Every kernel that the networks launch, on their own shapes: time in L2 and after a flush, share of the GPU's limits,
// and the vendor's library beside it. Layers come from the graphs that `giemsa run` builds, step by step as it runs
// them.
#include <algorithm>
#include <cstdio>

#include "bench/gpu/arguments.h"
#include "bench/gpu/ceilings.h"
#include "bench/gpu/layers.h"
#include "bench/gpu/program.h"
#include "bench/gpu/vendor.h"
#include "nets/smear.h"

namespace giemsa::bench {

namespace {

using nlohmann::json;

struct Machine {
  cuda::DeviceFacts gpu;
  GpuCeilings ceilings;
};

json json_of(const Timing& timing) {
  return {{"median_us", timing.median}, {"p90_us", timing.p90}, {"p99_us", timing.p99}, {"samples", timing.samples}};
}

/// Microseconds that the step takes at least.
double limit_us(const StepGroup& step, DType precision, const GpuCeilings& most, double bytes_per_second) {
  const bool tensor_cores = step.is_matrix_product && precision == DType::f16;
  const double flops = tensor_cores ? most.fp16_flops : most.fp32_flops;
  return 1e6 * std::max(step.bytes / bytes_per_second, step.flops / flops);
}

VendorTime time_of_vendor(Stopwatch& stopwatch, const Graph& graph, const StepGroup& step, DType precision) {
  const Node& node = graph[step.first];
  if (const auto* op = std::get_if<Conv2d>(&node.op))
    return vendor_convolution(stopwatch, *op, graph[node.inputs[0]].type.shape, graph[node.output()].type.shape,
                              precision);
  if (const auto* op = std::get_if<Linear>(&node.op)) {
    const Shape& in = graph[node.inputs[0]].type.shape;
    return vendor_linear(stopwatch, in[0], in[1], op->out_features, precision);
  }
  const bool fused = std::holds_alternative<SeparableConv2d>(node.op) || std::holds_alternative<AsppDepthwise>(node.op);
  return {std::nullopt, fused ? "fused" : ""};
}

json measure(SteppedGraph& stepped, const StepGroup& step, DType precision, Stopwatch& stopwatch,
             const Machine& machine) {
  stepped.run_up_to(step.first, stopwatch.stream());
  const Work work = [&](cuda::Stream stream) { stepped.enqueue(step.first, stream); };
  const Timing cached = stopwatch.in_graph(work);
  json row = {{"layer", step.name},  {"step", step.what},   {"count", step.count},
              {"bytes", step.bytes}, {"flops", step.flops}, {"in_graph", json_of(cached)}};
  constexpr double least_us = 0.3;  // no launch takes less
  if (cached.median < least_us) {
    row["launches"] = false;
    return row;
  }
  const Timing flushed = stopwatch.after_flush(work);
  const VendorTime vendor = time_of_vendor(stopwatch, stepped.graph(), step, precision);
  const GpuCeilings& most = machine.ceilings;
  row["after_flush"] = json_of(flushed);
  row["gbytes_per_s"] = step.bytes / flushed.median / 1e3;
  row["gflops_per_s"] = step.flops / cached.median / 1e3;
  row["percent_of_limit_in_l2"] = 100 * limit_us(step, precision, most, most.l2_copy_bytes) / cached.median;
  row["percent_of_limit_flushed"] = 100 * limit_us(step, precision, most, most.copy_bytes) / flushed.median;
  row["vendor_us"] = vendor.us ? json(*vendor.us) : json();
  row["vendor"] = vendor.note;
  return row;
}

void print_head() {
  std::printf("%5s %9s %9s %9s %9s %9s %6s %6s  %s\n", "count", "L2 us", "flush us", "p99 us", "GB/s", "GFLOP/s",
              "%limit", "vendor", "step");
}

void print_row(const json& row) {
  if (row.contains("error")) {
    std::printf("%5d ERROR %s  %s\n", row["count"].get<int>(), row["error"].get<std::string>().c_str(),
                row["step"].get<std::string>().c_str());
    return;
  }
  if (row.contains("launches")) return;
  const auto number = [&](const char* key) { return row[key].get<double>(); };
  const double cached = row["in_graph"]["median_us"].get<double>();
  // How many times faster than the vendor's.
  const std::string against =
      row["vendor_us"].is_null() ? "-" : cat(std::round(row["vendor_us"].get<double>() / cached * 100) / 100);
  std::printf("%5d %9.2f %9.2f %9.2f %9.1f %9.1f %6.1f %6s  %s\n", row["count"].get<int>(), cached,
              row["after_flush"]["median_us"].get<double>(), row["after_flush"]["p99_us"].get<double>(),
              number("gbytes_per_s"), number("gflops_per_s"), number("percent_of_limit_flushed"), against.c_str(),
              row["step"].get<std::string>().c_str());
}

/// Fills in `result` step by step and calls save() after each.
void measure_graph(json& result, const std::string& name, const Graph& graph, cuda::Context& context,
                   Stopwatch& stopwatch, const Machine& machine, const std::function<void()>& save) {
  std::printf("\n%s\n", name.c_str());
  SteppedGraph stepped(graph, context);
  result = {{"graph", name}, {"problems", stepped.verify(stopwatch.stream())}, {"steps", json::array()}};
  for (const json& problem : result["problems"]) std::printf("PROBLEM %s\n", problem.get<std::string>().c_str());
  print_head();
  double sum = 0, vendor_sum = 0, beside_vendor = 0;
  for (const StepGroup& step : stepped.groups()) {
    json row;
    try {
      row = measure(stepped, step, context.precision, stopwatch, machine);
    } catch (const std::runtime_error& error) {
      row = {{"layer", step.name}, {"step", step.what}, {"count", step.count}, {"error", error.what()}};
      result["problems"].push_back(cat("layer ", step.name, ": ", error.what()));
    }
    if (row.contains("after_flush")) {
      const double us = step.count * row["in_graph"]["median_us"].get<double>();
      sum += us;
      if (!row["vendor_us"].is_null()) {
        vendor_sum += step.count * row["vendor_us"].get<double>();
        beside_vendor += us;
      }
    }
    print_row(row);
    std::fflush(stdout);
    result["steps"].push_back(std::move(row));
    result["sum_us"] = sum;
    result["matrix_products_us"] = beside_vendor;
    result["matrix_products_vendor_us"] = vendor_sum;
    save();
  }
  std::printf("sum %.1f us; where there is a vendor's: ours %.1f us, theirs %.1f us\n", sum, beside_vendor, vendor_sum);
}

/// 1 where a result was wrong or could not be had.
int run(const Arguments& arguments) {
  Machine machine{.gpu = cuda::open_gpu(0), .ceilings = {}};
  const auto [l2_bytes, sm_count] = std::pair{l2_cache_bytes(), machine.gpu.sm_count};
  Stopwatch stopwatch(2 * std::max<std::size_t>(l2_bytes, std::size_t{16} << 20));
  std::printf("%s, %d multiprocessors, L2 %zu MiB, driver %s, runtime %s; beside it: %s\n", machine.gpu.name.c_str(),
              sm_count, l2_bytes >> 20, machine.gpu.driver.c_str(), machine.gpu.runtime.c_str(),
              vendor_versions().c_str());
  machine.ceilings = measure_ceilings(stopwatch, l2_bytes, sm_count);
  print(machine.ceilings);

  json report = {{"device", machine.gpu.name},
                 {"multiprocessors", sm_count},
                 {"l2_bytes", l2_bytes},
                 {"driver", machine.gpu.driver},
                 {"runtime", machine.gpu.runtime},
                 {"vendor", vendor_versions()},
                 {"ceilings", json(std::map<std::string, double>(machine.ceilings.details.begin(),
                                                                 machine.ceilings.details.end()))},
                 {"graphs", json::array()}};
  const auto save = [&] { save_report(arguments["--json"], report); };
  save();
  if (arguments["--sizes"] == "none") return 0;

  const Model segmenter = arguments.model("--segmenter", "deeplabv3plus", "smp");
  const Model classifier = arguments.model("--classifier", "alexnet", "torchvision");
  const Size2 frame = Arguments::size(arguments["--frame"]);
  bool sound = true;
  for (const std::string& precision : arguments.list("--precisions")) {
    cuda::Context context;
    context.gpu = machine.gpu;
    context.precision = Arguments::precision_named(precision);
    const auto add = [&](const std::string& what, const Graph& graph) {
      json& result = report["graphs"].emplace_back();
      measure_graph(result, cat(what, ' ', precision), graph, context, stopwatch, machine, save);
      sound = sound && result["problems"].empty();
    };
    for (const std::string& size : arguments.list("--sizes")) {
      SmearOptions options;
      options.segment_size = InputSize::parse(size);
      add(cat("segment ", size), segment_graph(segmenter, frame, options));
    }
    SmearOptions small_mask;  // its labels are resized to the frame
    small_mask.segment_size = InputSize::parse("224x224");
    small_mask.mask_at_frame_resolution = false;
    add("segment 224x224, mask of that size", segment_graph(segmenter, frame, small_mask));
    for (const std::string& batch : arguments.list("--batches"))
      add(cat("classify batch ", batch), classify_graph(classifier, frame, std::stoi(batch), CropMode::tight));
    // With the normalisation that torchvision's AlexNet left out.
    add("classify caffe batch 1", classify_graph(random_model("alexnet", "caffe", 1), frame, 1, CropMode::tight));
  }
  return sound ? 0 : 1;
}

}  // namespace

}  // namespace giemsa::bench

int main(int argc, char** argv) {
  using namespace giemsa::bench;
  return run_program("bench_gpu_kernels", [&] {
    return run(Arguments(argc, argv,
                         {{"--segmenter", ""},
                          {"--classifier", ""},
                          {"--frame", "720x576"},
                          {"--sizes", "224x224,512x512,720x576"},
                          {"--batches", "1,16"},
                          {"--precisions", "fp16,fp32"},
                          {"--json", ""}}));
  });
}
