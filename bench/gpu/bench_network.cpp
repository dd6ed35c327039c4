// A network alone, from fp32 pixels to logits in device memory, as one CUDA graph that is replayed: the GPU's time by
// events inside the graph, and the host's from the launch of the graph to its end. Verified first: logits are finite
// and the same in two replays.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "bench/gpu/arguments.h"
#include "bench/gpu/program.h"
#include "bench/gpu/vendor.h"
#include "engine/cuda/fusion.h"
#include "engine/cuda/stage.h"
#include "kernels/layout.h"
#include "tools/bench/network.h"

namespace giemsa::bench {

namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

/// A graph on the GPU with its input and its arena.
class NetworkOnGpu {
 public:
  /// Uploads weights and input. `graph` is optimised and outlives this, as does the context.
  NetworkOnGpu(const Graph& graph, cuda::Context& context) : graph_(graph), stage_(graph, context) {
    stage_.plan_arena();
    arena_ = cuda::device_memory(stage_.plan().arena_bytes);
    stage_.bind_arena(arena_.get());
    stage_.warm_up();
    const std::vector<float> pixels = network_input(graph, 0);
    planar_ = cuda::device_memory(pixels.size() * sizeof(float));
    cuda::copy(planar_.get(), pixels.data(), pixels.size() * sizeof(float), stream());
    cuda::synchronise(stream());
  }

  cuda::Stream stream() const { return stream_.get(); }
  std::size_t arena_bytes() const { return stage_.plan().arena_bytes; }

  /// fp32 {N,C,H,W} -> the layout and precision that the first layer reads.
  void import_input(cuda::Stream stream) const {
    const Buffer& in = stage_.buffer(graph_.inputs()[0]);
    const kernels::LayoutParams layout{.images = static_cast<int>(in.shape[0]),
                                       .channels = static_cast<int>(in.shape[1]),
                                       .map = cuda::plane_of(in),
                                       .pixel_stride = static_cast<int>(in.pixel_stride)};
    cuda::with_type(in.dtype, [&]<class T>() {
      kernels::nchw_to_nhwc(in.as<T>(), static_cast<const float*>(planar_.get()), layout, stream);
    });
  }

  void run(cuda::Stream stream) const {
    import_input(stream);
    stage_.enqueue_all(stream);
  }

  /// The first output's logits, as fp32; elements that pad a pixel are left out.
  std::vector<float> logits() const {
    const Buffer& out = stage_.buffer(graph_.outputs()[0]);
    const auto pixels = static_cast<std::size_t>(out.pixels()), channels = static_cast<std::size_t>(out.channels());
    const auto stride = static_cast<std::size_t>(out.pixel_stride);
    std::vector<std::byte> bytes(((pixels - 1) * stride + channels) * size_of(out.dtype));
    cuda::copy(bytes.data(), out.data, bytes.size(), stream());
    cuda::synchronise(stream());
    std::vector<float> values;
    for (std::size_t pixel = 0; pixel < pixels; ++pixel)
      for (std::size_t channel = 0; channel < channels; ++channel)
        values.push_back(element(bytes.data(), pixel * stride + channel, out.dtype));
    return values;
  }

 private:
  static float element(const std::byte* from, std::size_t at, DType dtype) {
    if (dtype == DType::f16) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, from + at * sizeof(bits), sizeof(bits));
      return f16_to_f32(bits);
    }
    float value = 0;
    std::memcpy(&value, from + at * sizeof(value), sizeof(value));
    return value;
  }

  const Graph& graph_;
  cuda::OwnedStream stream_;
  cuda::Stage stage_;
  cuda::DeviceMemory arena_, planar_;
};

/// Throws Error(internal) where the logits are not finite or two replays give different ones.
void verify(const NetworkOnGpu& network) {
  cuda::ExecutableGraph once([&](cuda::Recorder& recorder) { network.run(recorder.stream()); });
  const auto replay = [&] {
    once.launch(network.stream());
    return network.logits();
  };
  const std::vector<float> first = replay(), second = replay();
  for (const float logit : first) check(std::isfinite(logit), ErrorKind::internal, "a logit is not finite");
  check(std::memcmp(first.data(), second.data(), first.size() * sizeof(float)) == 0, ErrorKind::internal,
        "two replays give different logits");
}

/// Microseconds on the GPU that `work` takes, recorded `runs` times one after the other in a graph: the interval
/// between two events in the same graph, divided by `runs`.
Timing gpu_us(const Work& work, int runs, int samples, cuda::Stream stream) {
  cuda::Event start, end;
  cuda::ExecutableGraph program([&](cuda::Recorder& recorder) {
    start.record(recorder.stream());
    for (int i = 0; i < runs; ++i) work(recorder.stream());
    end.record(recorder.stream());
  });
  constexpr int warm_up = 3;
  std::vector<double> times;
  for (int i = -warm_up; i < samples; ++i) {
    program.launch(stream);
    cuda::synchronise(stream);
    if (i >= 0) times.push_back(1000 * end.ms_since(start) / runs);
  }
  return summarise(std::move(times));
}

/// Microseconds on the host from the launch of a graph with one run of `work` to its end.
Timing host_us(const Work& work, int samples, cuda::Stream stream) {
  cuda::ExecutableGraph program([&](cuda::Recorder& recorder) { work(recorder.stream()); });
  constexpr int warm_up = 20;
  std::vector<double> times;
  for (int i = -warm_up; i < samples; ++i) {
    const auto begin = Clock::now();
    program.launch(stream);
    cuda::synchronise(stream);
    if (i >= 0) times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  return summarise(std::move(times));
}

json measure(const Model& model, const NetSpec& spec, cuda::Context& context) {
  const Graph graph = cuda::passes(network_graph(model, spec.size, spec.batch), context);
  const NetworkOnGpu network(graph, context);
  verify(network);
  const Work whole = [&](cuda::Stream stream) { network.run(stream); };
  const Work import_only = [&](cuda::Stream stream) { network.import_input(stream); };
  constexpr int in_a_row = 10;
  return {{"input", cat(graph[graph.inputs()[0]].type.shape)},
          {"gpu_us", percentiles(gpu_us(whole, 1, 200, network.stream()))},
          {"gpu_us_of_10_in_a_row", percentiles(gpu_us(whole, in_a_row, 30, network.stream()))},
          {"import_us", percentiles(gpu_us(import_only, in_a_row, 30, network.stream()))},
          {"host_us", percentiles(host_us(whole, 500, network.stream()))},
          {"arena_bytes", network.arena_bytes()},
          {"weight_bytes", context.weights.bytes()}};
}

void print_row(const std::string& name, const json& row) {
  if (row.contains("error")) {
    std::printf("%-24s ERROR %s\n", name.c_str(), row["error"].get<std::string>().c_str());
  } else {
    const auto us = [&](const char* what, const char* rank) { return row[what][rank].get<double>(); };
    std::printf("%-24s %9.1f %9.1f %9.1f %9.1f %9.1f %9.1f %9.1f\n", name.c_str(), us("gpu_us", "p50"),
                us("gpu_us", "p99"), us("gpu_us_of_10_in_a_row", "p50"), us("import_us", "p50"), us("host_us", "p50"),
                us("host_us", "p99"), row["arena_bytes"].get<double>() / (1 << 20));
  }
  std::fflush(stdout);
}

/// 1 where a network could not be measured.
int run(const Arguments& arguments) {
  const DType precision = arguments.precision("--precision");
  const cuda::Provider provider = cuda::provider_named(arguments["--provider"]);
  std::vector<std::pair<std::string, NetSpec>> networks;
  for (const std::string& text : arguments.list("--nets")) networks.emplace_back(text, NetSpec::parse(text));

  const cuda::DeviceFacts gpu = cuda::open_gpu(0);
  const char* overlap = std::getenv("GIEMSA_PDL");
  json report = {{"device", gpu.name},
                 {"driver", gpu.driver},
                 {"runtime", gpu.runtime},
                 {"precision", arguments["--precision"]},
                 {"pdl", overlap && *overlap == '1'},
                 {"tuning", arguments["--tuning"]},
                 {"provider", arguments["--provider"]},
                 {"provider_note", provider == cuda::Provider::cudnn ? cudnn_caveat : ""},
                 {"networks", json::object()}};
  std::printf("%s, %s; microseconds but for the arena's MiB\n%-24s %9s %9s %9s %9s %9s %9s %9s\n", gpu.name.c_str(),
              arguments["--precision"].c_str(), "network", "gpu p50", "gpu p99", "of 10", "import", "host p50",
              "host p99", "arena");
  bool sound = true;
  for (const auto& [name, spec] : networks) {
    cuda::Context context;  // one per network: its weights alone are counted
    context.gpu = gpu;
    context.precision = precision;
    context.vendor = cuda::open_vendor(provider);
    if (!arguments["--tuning"].empty()) context.tuning = cuda::Tuning::read(arguments["--tuning"], gpu.name);
    json row;
    try {
      const std::string& file = arguments[spec.arch == "alexnet" ? "--classifier" : "--segmenter"];
      const Model model = file.empty() ? random_network(spec.arch) : load_model(std::filesystem::path(file));
      check(model.info.arch == spec.arch, ErrorKind::model, file, ": expected ", spec.arch, ", is ", model.info.arch);
      row = measure(model, spec, context);
      row["weights"] = file.empty() ? "random" : "from a file";
    } catch (const std::exception& error) {
      row = {{"error", error.what()}};
      sound = false;
    }
    print_row(name, row);
    report["networks"][name] = std::move(row);
    save_report(arguments["--json"], report);
  }
  return sound ? 0 : 1;
}

}  // namespace

}  // namespace giemsa::bench

int main(int argc, char** argv) {
  using namespace giemsa::bench;
  return run_program("bench_gpu_network", [&] {
    return run(Arguments(
        argc, argv,
        {{"--segmenter", ""},
         {"--classifier", ""},
         {"--nets", "deeplabv3plus:224x224,deeplabv3plus:512x512,deeplabv3plus:720x576,alexnet:1,alexnet:4,alexnet:16"},
         {"--precision", "fp16"},
         {"--tuning", ""},
         {"--provider", "own"},
         {"--json", ""}}));
  });
}
