// giemsa tune: which plan of each convolution is fastest on this GPU.
#include <iostream>
#include <memory>
#include <optional>
#include <set>

#include "engine/base/atomic_file.h"
#include "engine/device.h"
#include "nets/smear.h"
#include "tools/cli/arguments.h"
#include "tools/cli/messages.h"
#include "tools/cli/model_files.h"
#include "tools/cli/network_options.h"
#include "tools/text/text.h"

namespace giemsa {
namespace {

struct TuneArguments {
  std::string segmenter, classifier, device = "auto", out;
  std::vector<std::string> sizes;
};

/// What `giemsa run` would have the GPU do, at every size and for every number of cells it takes at once.
std::vector<Graph> graphs_of(const Model& segmenter, const Model& classifier, const std::vector<std::string>& sizes) {
  std::vector<std::optional<InputSize>> inputs;
  for (const std::string& size : sizes) inputs.push_back(naming("--sizes", [&] { return InputSize::parse(size); }));
  if (inputs.empty()) inputs.push_back(std::nullopt);
  std::vector<Graph> graphs;
  for (const auto& input : inputs) {
    SmearOptions options;
    options.segment_size = input;
    graphs.push_back(segment_graph(segmenter, usual_frame, options));
  }
  for (const std::int64_t batch : CascadeGraphs::batch_sizes)
    graphs.push_back(classify_graph(classifier, usual_frame, batch, CropMode::tight));
  return graphs;
}

class Table {
 public:
  Table() {
    std::cout << padded("convolution (NxHxWxC, kernel/stride, ...)", 66)
              << "usual plan                us  best plan                 us"
              << "    gain  GFLOP/s\n";
  }

  void add(const TunedConvolution& row) {
    std::cout << padded(row.convolution, 66) << padded(row.usual_plan, 19) << format("%9.2f  ", row.usual_us)
              << padded(row.best_plan, 19) << format("%9.2f  ", row.best_us)
              << format("%5.1f %%", 100 * (row.usual_us / row.best_us - 1))
              << format("  %7.0f", row.flops / row.best_us / 1e3) << std::endl;
    usual_us_ += row.usual_us;
    best_us_ += row.best_us;
    ++rows_;
    changed_ += row.usual_plan != row.best_plan;
  }

  void finish() const {
    std::cout << '\n'
              << changed_ << " of " << rows_ << " convolutions have a better plan; all once: "
              << format("%.1f us, were %.1f us\n", best_us_, usual_us_);
  }

 private:
  double usual_us_ = 0, best_us_ = 0;
  int rows_ = 0, changed_ = 0;
};

Exit tune(const TuneArguments& arguments) {
  (void)usable_gpus();  // says why there is none before models are read
  const Model segmenter = open_model(find_model(arguments.segmenter, shipped_segmenter));
  const Model classifier = open_model(find_model(arguments.classifier, shipped_classifier));
  const std::vector<Graph> graphs = graphs_of(segmenter, classifier, arguments.sizes);
  Table table;
  const std::string text = tune_gpu(arguments.device, graphs, [&](const TunedConvolution& row) { table.add(row); });
  table.finish();
  write_file_atomically(arguments.out, text);
  return Exit::ok;
}

constexpr const char* tune_footer = R"(Examples:
  giemsa tune -o h200.tuning
  giemsa tune --sizes 512x512,720x576 -o h200.tuning
  giemsa run smear.png --tuning h200.tuning

A plan is how a convolution is cut up: a tile of its output, and how many blocks share a tile's sum. Every plan of every
convolution in both networks is run on random numbers in fp16; the file names those that beat the built-in choice by
more than 2 %. A separable convolution runs as one kernel by a plan, or as its two convolutions apart. The file is for
GPUs of the same model only. Sums are added in another order under another plan, so that results may differ in the last
bits.)";

}  // namespace

void add_tune(CommandLine& line) {
  auto arguments = std::make_shared<TuneArguments>();
  TuneArguments& a = *arguments;
  Subcommand command(line, "tune", "measure which plans of convolutions are fastest on this GPU", tune_footer);
  command.option("-o,--out", &a.out, "FILE", "the tuning file to write").required();
  add_model_options(command, a.segmenter, a.classifier);
  command
      .option("--sizes", &a.sizes, "WxH,...", "sizes at which the segmenter sees images (default: the network's own)")
      .delimiter(',');
  command.option("--device", &a.device, "DEVICE", "auto, cuda or cuda:N (default: auto)").check(device_name_syntax());
  command.runs([arguments] { return tune(*arguments); });
}

}  // namespace giemsa
