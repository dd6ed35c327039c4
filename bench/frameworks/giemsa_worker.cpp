// Our side of bench/frameworks/run: answers its commands, a line of JSON each, on stdin and stdout (the protocol is in
// README.md). What is timed is Session::run alone, from dense fp32 NCHW in to dense fp32 logits out: the conversion to
// and from the engine's own layout counts.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "bench/network.h"
#include "engine/cpu/backend.h"
#include "engine/device.h"
#include "tools/image_io/decode.h"
#include "weights/text.h"

namespace giemsa {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void write_floats(std::ofstream& out, std::span<const float> values) {
  out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
  check(out.good(), ErrorKind::output, "cannot write a file of floats");
}

/// Writes what the network sees of each image: fp32 {3,height,width}, one after the other.
Json prepare(const Json& command) {
  const Model model = load_model(std::filesystem::path(command.at("model").get<std::string>()));
  const Preprocess preprocess{{command.at("height"), command.at("width")},
                              model.info.filter,
                              model.info.mean,
                              model.info.std,
                              model.info.channels};
  std::ofstream out(command.at("out").get<std::string>(), std::ios::binary);
  for (const std::string file : command.at("images")) {
    const Frame frame = decode_image(std::filesystem::path(file));
    Graph graph;
    const ValueId input = graph.input("frame", {DType::u8, {1, frame.height, frame.width, 3}});
    graph.mark_output(graph.add("preprocess", preprocess, {input}));
    const auto session = make_cpu_backend()->compile(graph);
    const void* pixels = frame.rgb.data();
    session->run({&pixels, 1});
    write_floats(out, session->output<float>());
  }
  return Json::object();
}

/// Writes a model of random weights: arguments ARCH PRESET FILE CLASSES [OPTION=VALUE]...
void invent(std::span<char*> arguments) {
  check(arguments.size() >= 4, ErrorKind::usage,
        "usage: giemsa-bench-worker --invent ARCH PRESET FILE CLASS,CLASS... [OPTION=VALUE]...");
  OptionTexts options;
  for (const std::string text : arguments.subspan(4)) {
    const std::size_t equals = text.find('=');
    check(equals != text.npos, ErrorKind::usage, in_quotes(text), " is not OPTION=VALUE");
    options[text.substr(0, equals)] = text.substr(equals + 1);
  }
  const std::vector<std::string> classes = split(arguments[3]);
  const Model model = random_model(arguments[0], arguments[1], 1, 1, options, classes);
  save_model(model, arguments[2]);
}

class Worker {
 public:
  explicit Worker(DeviceOptions options) : options_(std::move(options)) {}

  Json answer(const Json& command) {
    const std::string what = command.at("do");
    if (what == "prepare") return prepare(command);
    if (what == "load") return load(command);
    if (what == "verify") return verify(command);
    if (what == "run") return run(command);
    fail(ErrorKind::usage, "unknown command '", what, "'");
  }

 private:
  Json load(const Json& command) {
    const std::int64_t batch = command.at("batch");
    const Size2 size{command.at("height"), command.at("width")};
    std::ifstream file(command.at("inputs").get<std::string>(), std::ios::binary | std::ios::ate);
    inputs_.resize(static_cast<std::size_t>(file.tellg()) / sizeof(float));
    file.seekg(0).read(reinterpret_cast<char*>(inputs_.data()),
                       static_cast<std::streamsize>(inputs_.size() * sizeof(float)));
    check(file.good(), ErrorKind::usage, "cannot read the inputs");
    input_volume_ = static_cast<std::size_t>(Shape{batch, 3, size.h, size.w}.volume());

    const auto start = Clock::now();
    const Model model = load_model(std::filesystem::path(command.at("model").get<std::string>()));
    const auto backend = open_device(options_);
    check_scales(model, backend->precision());
    session_ = backend->compile(network_graph(model, batch, size));
    infer();
    return {{"load_ms", ms_since(start)},
            {"device", backend->device_name()},
            {"host_bytes", {input_volume_ * sizeof(float), session_->output<float>().size_bytes()}}};
  }

  Json verify(const Json& command) {
    std::ofstream out(command.at("out").get<std::string>(), std::ios::binary);
    for (next_ = 0; next_ * input_volume_ < inputs_.size();) {
      infer();
      write_floats(out, session_->output<float>());
    }
    return Json::object();
  }

  Json run(const Json& command) {
    std::vector<double> ms(command.at("calls").get<std::size_t>());
    for (double& time : ms) {
      const auto start = Clock::now();
      infer();
      time = ms_since(start);
    }
    return {{"ms", ms}};
  }

  /// Runs the next input, round and round.
  void infer() {
    const void* input = &inputs_[next_++ * input_volume_ % inputs_.size()];
    session_->run({&input, 1});
  }

  DeviceOptions options_;
  std::unique_ptr<Session> session_;
  std::vector<float> inputs_;
  std::size_t input_volume_ = 0, next_ = 0;
};

/// Megabytes in use now, and at most so far.
Json memory() {
  double size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {{"resident_mb", resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20)},
          {"peak_mb", static_cast<double>(usage.ru_maxrss) / 1024}};
}

/// What this CPU computes in, by name; int8 where all of `models` have the scales that it needs.
std::vector<std::string> precisions_for(const CpuFacts& facts, std::span<char*> models) {
  std::vector<std::string> precisions{"fp32"};
  if (facts.fast_bf16) precisions.push_back("bf16");
  const bool calibrated = !models.empty() && std::ranges::all_of(models, [](const char* file) {
    return !load_model(std::filesystem::path(file)).info.calibration.empty();
  });
  if (facts.fast_int8 && calibrated) precisions.push_back("int8");
  return precisions;
}

/// The GPUs that can be used, in the order in which "cuda" takes the first.
Json gpus() {
  Json found = Json::array();
  if (!why_no_cuda().empty()) return found;
  for (const Gpu& gpu : usable_gpus())
    found.push_back({{"name", gpu.name}, {"compute_capability", gpu.compute_capability}, {"driver", gpu.driver}});
  return found;
}

void serve(Worker& worker) {
  for (std::string line; std::getline(std::cin, line);) {
    Json reply;
    try {
      reply = worker.answer(Json::parse(line));
    } catch (const std::exception& error) {
      reply = {{"error", error.what()}};
    }
    reply["memory"] = memory();
    std::cout << reply.dump() << std::endl;
  }
}

}  // namespace
}  // namespace giemsa

int main(int argc, char** argv) {
  using namespace giemsa;
  try {
    const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
    if (argc >= 2 && std::string(argv[1]) == "--list") {
      const CpuFacts facts = cpu_facts();
      const Json found = gpus();
      std::cout << Json{{"version", GIEMSA_VERSION},
                        {"onednn", facts.onednn_version},
                        {"isa", facts.isa},
                        {"cores", facts.cores},
                        {"fast_bf16", facts.fast_bf16},
                        {"precisions", precisions_for(facts, arguments.subspan(2))},
                        {"devices", found.empty() ? Json{"cpu"} : Json{"cpu", "cuda"}},  // for the second argument
                        {"gpus", found}}
                << '\n';
      return 0;
    }
    if (argc >= 2 && std::string(argv[1]) == "--invent") {
      invent(arguments.subspan(2));
      return 0;
    }
    check(argc == 3 || argc == 4, ErrorKind::usage,
          "usage: giemsa-bench-worker --list [MODEL]... | --invent ARCH PRESET FILE CLASSES [OPTION=VALUE]... | "
          "fp32|fp16|bf16|int8 THREADS [cpu|cuda]");
    Worker worker({.device = argc == 4 ? argv[3] : "cpu", .precision = argv[1], .threads = std::stoi(argv[2])});
    serve(worker);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "giemsa-bench-worker: error: " << error.what() << '\n';
    return 2;
  }
}
