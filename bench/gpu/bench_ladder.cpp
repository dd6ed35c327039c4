// The ladders of kernels/ladder on a GPU: every step of the convolution and of the labels, on real shapes, beside the
// product's kernel, the GPU's limits and cuDNN. Verified first: all steps give the same bits.
#include <algorithm>
#include <cstdio>

#include "bench/gpu/arguments.h"
#include "bench/gpu/ceilings.h"
#include "bench/gpu/program.h"
#include "bench/gpu/vendor.h"
#include "bench/masks.h"
#include "kernels/ladder/conv2d_ladder.h"
#include "kernels/ladder/labels_ladder.h"

namespace giemsa::bench {

namespace {

using kernels::ComponentCount;
using kernels::ComponentRecord;
using kernels::ComponentsParams;
using kernels::Conv2dParams;
using kernels::Half;
using nlohmann::json;

class Machine {
 public:
  Machine()
      : gpu(cuda::open_gpu(0)),
        l2_bytes(l2_cache_bytes()),
        stopwatch(2 * std::max<std::size_t>(l2_bytes, std::size_t{16} << 20)),
        ceilings(measure_ceilings(stopwatch, l2_bytes, gpu.sm_count)) {}

  cuda::DeviceFacts gpu;
  std::size_t l2_bytes;
  Stopwatch stopwatch;
  GpuCeilings ceilings;
};

template <class T>
cuda::DeviceMemory upload(const std::vector<T>& values, cuda::Stream stream) {
  cuda::DeviceMemory memory = cuda::device_memory(values.size() * sizeof(T));
  cuda::copy(memory.get(), values.data(), values.size() * sizeof(T), stream);
  cuda::synchronise(stream);
  return memory;
}

std::vector<std::byte> download(const cuda::DeviceMemory& memory, std::size_t bytes, cuda::Stream stream) {
  std::vector<std::byte> result(bytes);
  cuda::copy(result.data(), memory.get(), bytes, stream);
  cuda::synchronise(stream);
  return result;
}

/// Where a ladder's rows go, and what is called after each.
struct Record {
  json& rows;
  std::function<void()> save;
};

/// The rows of a ladder: each step's result is held against the first's before it is timed.
class Ladder {
 public:
  Ladder(Machine& machine, Record record, std::string title, kernels::Cost cost)
      : machine_(machine), cost_(cost), result_(record.rows), save_(std::move(record.save)) {
    result_ = {{"title", std::move(title)}, {"steps", json::array()}};
    std::printf("\n%s\n%10s %10s %9s %9s %7s  %s\n", result_["title"].get<std::string>().c_str(), "L2 us", "flush us",
                "GB/s", "GFLOP/s", "%limit", "step");
  }

  /// `result` gives the bytes that the step made. A step whose host waits for the device cannot be recorded in a graph.
  void add(const std::string& name, const std::string& change, const Work& work, bool recordable,
           const std::function<std::vector<std::byte>()>& result) {
    work(machine_.stopwatch.stream());
    cuda::synchronise(machine_.stopwatch.stream());
    const std::vector<std::byte> made = result();
    if (first_.empty()) first_ = made;
    json row{{"name", name}, {"change", change}, {"equals_first", made == first_}};
    if (made != first_) {
      sound_ = false;
      std::printf("PROBLEM %s gives another result\n", name.c_str());
    } else {
      time(row, work, recordable);
    }
    result_["steps"].push_back(std::move(row));
    save_();
  }

  void add_vendor(const VendorTime& vendor) {
    result_["vendor_us"] = vendor.us ? json(*vendor.us) : json();
    result_["vendor"] = vendor.note;
    if (!vendor.us) return std::printf("no vendor's time: %s\n", vendor.note.c_str()), void();
    std::printf("%10.2f %55s  %s\n", *vendor.us, "", vendor.note.c_str());
    for (json& row : result_["steps"])
      if (row.contains("in_graph_us")) row["percent_of_vendor"] = 100 * *vendor.us / row["in_graph_us"].get<double>();
    save_();
  }

  bool sound() const { return sound_; }

 private:
  void time(json& row, const Work& work, bool recordable) {
    const GpuCeilings& most = machine_.ceilings;
    const double flushed = machine_.stopwatch.after_flush(work).median;
    const double best = recordable ? machine_.stopwatch.in_graph(work).median : flushed;
    const double limit = 1e6 * std::max(cost_.bytes / most.copy_bytes, cost_.flops / most.fp16_flops);
    row["after_flush_us"] = flushed;
    if (recordable) row["in_graph_us"] = best;
    row["gbytes_per_s"] = cost_.bytes / flushed / 1e3;
    row["gflops_per_s"] = cost_.flops / best / 1e3;
    row["percent_of_limit"] = 100 * limit / flushed;
    std::printf("%10.2f %10.2f %9.1f %9.1f %7.2f  %s\n", best, flushed, cost_.bytes / flushed / 1e3,
                cost_.flops / best / 1e3, 100 * limit / flushed, row["name"].get<std::string>().c_str());
  }

  Machine& machine_;
  kernels::Cost cost_;
  json& result_;
  std::function<void()> save_;
  std::vector<std::byte> first_;
  bool sound_ = true;
};

// ---- the convolution ----

/// Small whole numbers: every sum of their products is exact in fp32, so that all orders of adding give the same bits.
std::vector<Half> whole_numbers(std::size_t count, std::uint32_t seed) {
  std::vector<Half> values(count);
  for (Half& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value.bits = f32_to_f16(static_cast<float>(static_cast<int>(seed >> 24) % 5 - 2));
  }
  return values;
}

Conv2dParams square(int side, int channels, int out_channels, int kernel) {
  return {.in_h = side,
          .in_w = side,
          .in_channels = channels,
          .out_channels = out_channels,
          .kernel = {kernel, kernel},
          .padding = {kernel / 2, kernel / 2},
          .input_pixel_stride = channels,
          .output_pixel_stride = out_channels};
}

/// Whether all steps give the same bits; so does climb_labels().
bool climb_convolution(Machine& machine, const Record& record, const std::string& title, const Conv2dParams& p) {
  const cuda::Stream stream = machine.stopwatch.stream();
  const auto size = [](auto count) { return static_cast<std::size_t>(count); };
  const auto input = upload(whole_numbers(size(p.in_h * p.in_w * p.in_channels), 1), stream);
  const auto weight = upload(whole_numbers(packed_weight_size(p), 2), stream);
  const std::size_t output_bytes = size(p.pixels() * p.out_channels) * sizeof(Half);
  const auto output = cuda::device_memory(output_bytes);
  const kernels::Conv2dPlan plan = choose(p, machine.gpu.sm_count);
  const auto workspace = cuda::device_memory(workspace_bytes(p, plan));
  const kernels::Conv2dInputs<Half> inputs{static_cast<const Half*>(input.get()),
                                           static_cast<const Half*>(weight.get()), nullptr, nullptr};
  auto* const to = static_cast<Half*>(output.get());
  const auto result = [&] { return download(output, output_bytes, stream); };

  Ladder ladder(machine, record, title, cost(p, sizeof(Half)));
  for (const kernels::Conv2dStep& step : kernels::conv2d_steps)
    ladder.add(
        step.name, step.change, [&](cuda::Stream s) { step.run(to, inputs, p, s); }, true, result);
  ladder.add(
      "product", "a tile for the size, K split among blocks",
      [&](cuda::Stream s) { conv2d(to, static_cast<float*>(workspace.get()), inputs, p, plan, s); }, true, result);
  const Conv2d op{
      .out_channels = p.out_channels, .kernel = {p.kernel.h, p.kernel.w}, .padding = {p.padding.h, p.padding.w}};
  ladder.add_vendor(vendor_convolution(machine.stopwatch, op, {1, p.in_channels, p.in_h, p.in_w},
                                       {1, p.out_channels, p.out_h(), p.out_w()}, DType::f16));
  return ladder.sound();
}

// ---- the labels ----

bool climb_labels(Machine& machine, const Record& record, const std::string& pattern, Size2 extent) {
  const cuda::Stream stream = machine.stopwatch.stream();
  ComponentsParams p{.h = static_cast<int>(extent.h), .w = static_cast<int>(extent.w), .min_area = 200};
  p.capacity = kernels::max_components(p);
  const auto pixels = static_cast<std::size_t>(extent.h * extent.w);
  const auto mask = upload(make_mask(pattern, extent), stream);
  const auto clean = cuda::device_memory(pixels), labels = cuda::device_memory(4 * pixels);
  const std::size_t table_bytes = sizeof(ComponentRecord) * static_cast<std::size_t>(1 + p.capacity);
  const auto table = cuda::device_memory(table_bytes);
  const auto workspace =
      cuda::device_memory(std::max(kernels::workspace_bytes(p), kernels::labels_ladder_workspace_bytes(p)));
  const auto result = [&] {
    std::vector<std::byte> all = download(labels, 4 * pixels, stream);
    for (const auto& more : {download(clean, pixels, stream), download(table, table_bytes, stream)})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const auto work = [&](auto run) {
    return [&, run](cuda::Stream s) {
      run(static_cast<std::uint8_t*>(clean.get()), static_cast<std::int32_t*>(labels.get()),
          static_cast<ComponentCount*>(table.get()), workspace.get(), static_cast<const std::uint8_t*>(mask.get()), p,
          s);
    };
  };

  Ladder ladder(machine, record, cat("labels of ", extent.w, "x", extent.h, " ", pattern), cost(p));
  for (const kernels::LabelsStep& step : kernels::labels_steps)
    ladder.add(step.name, step.change, work(step.run), &step != &kernels::labels_steps[0], result);
  ladder.add("product", "both colours at once, rows as words, sums in shared memory", work(kernels::clean_and_label),
             true, result);
  return ladder.sound();
}

/// 1 where a step's result was wrong.
int run(const Arguments& arguments) {
  Machine machine;
  print(machine.ceilings);
  json report{{"device", machine.gpu.name},
              {"driver", machine.gpu.driver},
              {"runtime", machine.gpu.runtime},
              {"vendor", vendor_versions()},
              {"ceilings",
               json(std::map<std::string, double>(machine.ceilings.details.begin(), machine.ceilings.details.end()))},
              {"convolution", json::array()},
              {"labels", json::array()}};
  const auto record = [&](const char* key) {
    return Record{report[key].emplace_back(), [&] { save_report(arguments["--json"], report); }};
  };
  bool sound = true;
  const auto convolution = [&](const std::string& title, const Conv2dParams& p) {
    sound = climb_convolution(machine, record("convolution"), title, p) && sound;
  };
  convolution("3x3, 64 to 64 channels, 56x56: layer1 at 224x224", square(56, 64, 64, 3));
  convolution("3x3, 256 to 256 channels, 14x14: layer3 at 224x224", square(14, 256, 256, 3));
  convolution("1x1, 1024 to 256 channels, 32x32: layer3 at 512x512", square(32, 1024, 256, 1));
  for (const Size2 extent : {Size2{576, 720}, Size2{4096, 4096}})
    sound = climb_labels(machine, record("labels"), "blobs", extent) && sound;
  return sound ? 0 : 1;
}

}  // namespace

}  // namespace giemsa::bench

int main(int argc, char** argv) {
  using namespace giemsa::bench;
  return run_program("bench_gpu_ladder", [&] { return run(Arguments(argc, argv, {{"--json", ""}})); });
}
