// The whole way of an image on the GPU: latency percentiles from a pinned frame to cells, and whether every run gives
// the same bits.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/gpu/arguments.h"
#include "bench/gpu/layers.h"
#include "engine/cuda/backend.h"
#include "nets/smear.h"

namespace giemsa::bench {

namespace {

using Clock = std::chrono::steady_clock;

CascadeGraphs graphs_of(const Model& segmenter, const Model& classifier, Size2 frame, const SmearOptions& options) {
  CascadeGraphs graphs{segment_graph(segmenter, frame, options), {}, "mask"};
  for (std::size_t i = 0; i < graphs.each.size(); ++i)
    graphs.each[i] = classify_graph(classifier, frame, CascadeGraphs::batch_sizes[i], options.crop);
  return graphs;
}

/// The threshold, of nine, at which closest to `wanted` regions are found: networks of random weights have no natural
/// one.
float threshold_for(int wanted, Backend& backend, const Model& segmenter, const Model& classifier, Size2 frame,
                    SmearOptions options, const std::uint8_t* pixels) {
  float best = options.threshold;
  long least = -1;
  for (int tenth = 1; tenth <= 9; ++tenth) {
    options.threshold = static_cast<float>(tenth) / 10;
    const auto cascade = backend.compile(graphs_of(segmenter, classifier, frame, options));
    cascade->run(pixels);
    const long off = std::labs(static_cast<long>(cascade->regions().size()) - wanted);
    if (least < 0 || off < least) {
      least = off;
      best = options.threshold;
    }
  }
  return best;
}

/// Of everything that a run gives.
std::size_t hash_of(const Cascade& cascade, std::vector<std::uint16_t>& labels) {
  cascade.copy_labels(labels);
  const auto regions = std::as_bytes(cascade.regions()), values = std::as_bytes(cascade.values());
  std::string all(reinterpret_cast<const char*>(regions.data()), regions.size());
  all.append(reinterpret_cast<const char*>(values.data()), values.size());
  all.append(reinterpret_cast<const char*>(labels.data()), labels.size() * sizeof(std::uint16_t));
  return std::hash<std::string>{}(all);
}

nlohmann::json json_of(const Timing& us) {
  return {{"p50", us.median / 1000}, {"p90", us.p90 / 1000}, {"p99", us.p99 / 1000}, {"runs", us.samples}};
}

/// 1 where runs differ.
int run(const Arguments& arguments) {
  check(arguments["--loops"] == "device" || arguments["--loops"] == "host", ErrorKind::usage,
        "--loops is device or host");
  const auto backend = make_cuda_backend({.precision = arguments["--precision"] == "fp32" ? DType::f32 : DType::f16,
                                          .provider = arguments["--provider"],
                                          .loops_on_device = arguments["--loops"] == "device"});
  const Model segmenter = arguments.model("--segmenter", "deeplabv3plus", "smp");
  const Model classifier = arguments.model("--classifier", "alexnet", "torchvision");
  const Size2 size = Arguments::size(arguments["--frame"]);
  const std::vector<std::uint8_t> painted = painted_frame(size);
  const cuda::PinnedMemory pinned = cuda::pinned_memory(painted.size());
  std::memcpy(pinned.get(), painted.data(), painted.size());
  const auto* pixels = static_cast<const std::uint8_t*>(pinned.get());

  SmearOptions options;
  options.segment_size = InputSize::parse(arguments["--size"]);
  if (arguments["--segmenter"].empty())
    options.threshold = threshold_for(8, *backend, segmenter, classifier, size, options, pixels);
  const auto cascade = backend->compile(graphs_of(segmenter, classifier, size, options));

  const int runs = arguments.number("--runs");
  for (int i = 0; i < 20; ++i) cascade->run(pixels);
  std::vector<std::uint16_t> labels(static_cast<std::size_t>(size.h * size.w));
  const std::size_t expected = hash_of(*cascade, labels);
  int differing = 0;
  std::vector<double> all, segment, postprocess, classify;
  for (int i = 0; i < runs; ++i) {
    const auto start = Clock::now();
    cascade->run(pixels);
    all.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    const CascadeTimes& times = cascade->times();
    segment.push_back(1000 * times.first);
    postprocess.push_back(1000 * times.second);
    classify.push_back(1000 * times.each);
    differing += hash_of(*cascade, labels) != expected;
  }

  const nlohmann::json report = {{"device", backend->device_name()},
                                 {"precision", arguments["--precision"]},
                                 {"loops", arguments["--loops"]},
                                 {"provider", arguments["--provider"]},
                                 {"weights", arguments["--segmenter"].empty() ? "random" : "from files"},
                                 {"frame", arguments["--frame"]},
                                 {"segment_size", arguments["--size"]},
                                 {"threshold", options.threshold},
                                 {"regions", cascade->regions().size()},
                                 {"runs_that_differ", differing},
                                 {"total_ms", json_of(summarise(all))},
                                 {"segment_ms", json_of(summarise(segment))},
                                 {"postprocess_ms", json_of(summarise(postprocess))},
                                 {"classify_ms", json_of(summarise(classify))}};
  std::printf("%s\n", report.dump(1).c_str());
  if (!arguments["--json"].empty()) std::ofstream(arguments["--json"]) << report.dump(1) << '\n';
  return differing == 0 ? 0 : 1;
}

}  // namespace

}  // namespace giemsa::bench

int main(int argc, char** argv) {
  using namespace giemsa;
  try {
    return bench::run(bench::Arguments(argc, argv,
                                       {{"--segmenter", ""},
                                        {"--classifier", ""},
                                        {"--frame", "720x576"},
                                        {"--size", "224x224"},
                                        {"--precision", "fp16"},
                                        {"--loops", "device"},
                                        {"--provider", "own"},
                                        {"--runs", "200"},
                                        {"--json", ""}}));
  } catch (const Error& error) {
    std::fprintf(stderr, "bench_gpu_cascade: %s\n", error.what());
    return error.kind() == ErrorKind::device ? 4 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_gpu_cascade: %s\n", error.what());
    return 1;
  }
}
