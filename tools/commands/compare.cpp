// giemsa compare: layer by layer against activations from elsewhere.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/npy.h"
#include "engine/base/split_mix.h"
#include "engine/device.h"
#include "tools/cli/arguments.h"
#include "tools/cli/model_files.h"
#include "tools/cli/network_options.h"
#include "tools/text/text.h"
#include "weights/safetensors.h"

namespace giemsa {
namespace {

namespace fs = std::filesystem;

struct CompareArguments {
  std::string model, golden;
  DeviceOptions compute{.precision = "fp32"};
  std::optional<double> tolerance;
  bool unfused = false;
};

using Activations = std::map<std::string, Tensor>;

/// A layer's name as a dump's file has it.
std::string dump_name(std::string name) {
  std::ranges::replace(name, '/', '_');
  return name;
}

Activations read_golden(const fs::path& path) {
  check(fs::exists(path), ErrorKind::usage, path.string(), ": no such file or folder");
  Activations found;
  if (fs::is_directory(path)) {
    for (const auto& entry : fs::directory_iterator(path))
      if (entry.path().extension() == ".npy") found.emplace(entry.path().stem().string(), read_npy(entry.path()));
  } else {
    for (auto& [name, tensor] : read_safetensors(path).tensors) found.emplace(dump_name(name), std::move(tensor));
  }
  return found;
}

/// What the network is given: "input", or what a dump of `giemsa run` calls it. Absent where there is none.
Tensor input_of(const Activations& golden, const ModelInfo& info) {
  for (const char* name : {"input", info.is_segmenter() ? "preprocess" : "crops"})
    if (const auto found = golden.find(name); found != golden.end()) return found->second;
  return {};
}

/// How far two tensors of equal shape are apart.
struct Difference {
  double largest = 0;   ///< of |actual - expected|; NaN where either is
  double relative = 0;  ///< `largest` over the largest |expected|
};

Difference difference(const Tensor& actual, const Tensor& expected) {
  const Tensor a = to_f32(actual), b = to_f32(expected);
  const auto x = a.as<float>(), y = b.as<float>();
  double largest = 0, scale = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double apart = std::abs(double{x[i]} - double{y[i]});
    if (!(apart <= largest)) largest = apart;
    if (std::isnan(largest)) break;
    scale = std::max(scale, std::abs(double{y[i]}));
  }
  return {largest, largest == 0 ? 0 : largest / scale};
}

/// The relative error that rounding alone explains after the layers so far. Each layer's rounding errors are
/// independent, so they add up like a random walk: unit roundoff times the square root of the number of roundings, and
/// four times that for the largest of many elements. Sums are in fp32, and add their length only where the results are
/// in fp32 too.
class RoundingBound {
 public:
  explicit RoundingBound(DType precision)
      : narrow_(precision != DType::f32),
        unit_(precision == DType::bf16  ? 0x1p-9
              : precision == DType::f16 ? 0x1p-11
                                        : 0x1p-24) {}

  double after(const Node& node) {
    for (const Weights& layer : node.weights) {
      const Tensor& weight = layer.weight;
      if (!weight || weight.shape().rank() < 2) continue;
      const auto terms = static_cast<double>(weight.size()) / static_cast<double>(weight.shape()[0]);
      roundings_ += narrow_ ? 1 : terms;
    }
    return 4 * unit_ * std::sqrt(std::max(roundings_, 1.0));
  }

 private:
  const bool narrow_;
  const double unit_;
  double roundings_ = 0;
};

/// How much the network itself magnifies small errors: its layers, of an input whose every value is off by a part of
/// `step`, up or down at random. Random weights may well magnify a hundredfold, and then rounding does too.
class Conditioning {
 public:
  explicit Conditioning(DType precision) : step_(precision == DType::f32 ? 0x1p-12 : 0x1p-5) {}

  Tensor disturbed(const Tensor& input) const {
    SplitMix64 random(1);
    std::vector<float> values(input.as<float>().begin(), input.as<float>().end());
    for (float& value : values) value *= 1 + static_cast<float>(random.bits() & 1 ? step_ : -step_);
    return Tensor::from(input.shape(), std::move(values));
  }
  void add(const std::string& name, const Tensor& of_disturbed) {
    const Tensor values = to_f32(of_disturbed);
    layers_[name] = Tensor::from(values.shape(), {values.as<float>().begin(), values.as<float>().end()});
  }
  /// The relative error of a layer per relative error of the input; at least 1.
  double magnification(const std::string& name, const Tensor& undisturbed) const {
    const double relative = difference(layers_.at(name), undisturbed).relative;
    return std::isfinite(relative) ? std::max(1.0, relative / step_) : 1;
  }

 private:
  const double step_;
  Activations layers_;
};

/// Prints a line a layer and remembers the first that diverges.
class Report {
 public:
  void add(const std::string& name, const Tensor& actual, const Tensor& expected, double tolerance) {
    ++compared_;
    bool equal = actual.shape() == expected.shape();
    std::cout << padded(name, 44) << ' ';
    if (equal) {
      const Difference apart = difference(actual, expected);
      equal = apart.relative <= tolerance;  // false for NaN
      std::cout << format("%12.3e %12.3e %12.3e", apart.largest, apart.relative, tolerance);
    } else {
      std::cout << "shape " << actual.shape() << ", expected " << expected.shape();
    }
    std::cout << (equal ? "\n" : "  diverges\n");
    if (!equal && first_divergence_.empty()) first_divergence_ = name;
  }

  int compared() const { return compared_; }
  const std::string& first_divergence() const { return first_divergence_; }

 private:
  int compared_ = 0;
  std::string first_divergence_;
};

Exit compare(const CompareArguments& arguments) {
  const Model model = open_model(arguments.model);
  const Activations golden = read_golden(arguments.golden);
  const Tensor given = input_of(golden, model.info);
  check(static_cast<bool>(given), ErrorKind::usage, arguments.golden, ": holds no activation called 'input'");

  Graph network;
  const ValueId image = network.input("input", {DType::f32, given.shape()});
  network.mark_output(build_network(network, image, model));
  if (const auto centres = centre_offsets(network, model)) network.mark_output(*centres);
  const auto backend = open_device(arguments.compute);
  const auto session = backend->compile(network, !arguments.unfused);

  std::cout << padded("layer", 44) << "      largest     relative    tolerated\n";
  Report report;
  RoundingBound bound(backend->precision());
  Conditioning conditioning(backend->precision());
  bool disturbed = true;
  session->observe([&](const Value& value, const Tensor& actual) {
    const Node& producer = session->graph()[value.producer];
    const auto expected = golden.find(dump_name(value.name));
    const bool compared = expected != golden.end() && !std::holds_alternative<Input>(producer.op);
    if (disturbed) {
      if (compared) conditioning.add(value.name, actual);
      return;
    }
    const double rounding = bound.after(producer);
    if (!compared) return;
    const double magnified = rounding * conditioning.magnification(value.name, actual);
    report.add(value.name, actual, expected->second, arguments.tolerance.value_or(magnified));
  });
  const Tensor values = to_f32(given), off = conditioning.disturbed(values);
  for (const Tensor* input : {&off, &values}) {
    const void* inputs[] = {input->bytes().data()};
    session->run(inputs);
    disturbed = false;
  }

  check(report.compared() > 0, ErrorKind::usage, arguments.golden, ": holds no activation named after a layer of ",
        model.file);
  if (report.first_divergence().empty()) {
    std::cout << "\nall " << report.compared() << " compared layers agree\n";
    return Exit::ok;
  }
  std::cout << "\nfirst divergence: " << report.first_divergence() << '\n';
  return Exit::images_failed;
}

constexpr const char* compare_footer = R"(Examples:
  giemsa compare model.safetensors --golden activations.safetensors
  giemsa compare model.safetensors --golden dump/ --precision bf16
  giemsa compare model.safetensors --golden dump/ --device cuda --precision fp16

GOLDEN is a folder of LAYER.npy files or a .safetensors file with a tensor a layer, named as in the PyTorch
state_dict, and one called 'input': {N,3,H,W}, normalised. GIEMSA_DUMP=dump giemsa run IMAGE writes such a folder.
Exit code 1 where a layer diverges.)";

}  // namespace

void add_compare(CommandLine& line) {
  auto arguments = std::make_shared<CompareArguments>();
  CompareArguments& a = *arguments;
  Subcommand command(line, "compare", "compare a network's activations, layer by layer, with given ones",
                     compare_footer);
  command.option("MODEL", &a.model, " ", "a model file that giemsa convert made").required();
  command.option("--golden", &a.golden, "GOLDEN", "the activations to compare with").required();
  add_compute_options(command, a.compute);
  command
      .option(
          "--tolerance", &a.tolerance, "X",
          "largest error over the layer's largest value (default: what rounding explains, as the network magnifies it)")
      .check(number_in(0, std::numeric_limits<double>::max()));
  command.flag("--unfused", a.unfused, "compare every layer, also those that are fused into others when it counts");
  command.runs([arguments] { return compare(*arguments); });
}

}  // namespace giemsa
