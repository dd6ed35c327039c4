// giemsa calibrate: a model that can run in int8, by looking at what its layers give on real images.
#include <filesystem>
#include <iostream>
#include <memory>
#include <vector>

#include "engine/device.h"
#include "tools/calibrate/calibration.h"
#include "tools/cli/arguments.h"
#include "tools/cli/finding_options.h"
#include "tools/cli/model_files.h"
#include "tools/cli/network_options.h"
#include "tools/cli/progress.h"
#include "tools/image_io/decode.h"
#include "tools/image_io/find_images.h"

namespace giemsa {
namespace {

struct CalibrateArguments {
  std::string model, out, segmenter;
  SmearOptions options;
  std::vector<std::string> inputs;
  int threads = 0;
  bool quiet = false;
};

Exit calibrate_model(const CalibrateArguments& arguments) {
  using namespace calibrate;
  const Model model = open_model(arguments.model);
  const std::vector<ImageFile> files = find_all_images(arguments.inputs);
  const auto backend = open_device({.device = "cpu", .precision = "fp32", .threads = arguments.threads});
  const SmearOptions& options = arguments.options;

  Progress progress(files.size(), Progress::style_of(arguments.quiet));
  const auto show_all = [&](const auto& show) {
    for (const auto& file : files) {
      show(decode_image(file.path, {}, nullptr, file.number));
      progress.tick(true);
    }
    progress.finish();
  };
  std::string seen = cat(files.size(), " images");
  std::map<std::string, float> scales;
  if (model.info.is_segmenter()) {
    SegmenterCalibration calibration(model, options, backend);
    show_all([&](const Frame& frame) { calibration.show(frame); });
    scales = calibration.observed().scales();
  } else {
    const Model segmenter = open_model(find_model(arguments.segmenter, shipped_segmenter));
    ClassifierCalibration calibration(segmenter, model, options, backend);
    std::size_t cells = 0;
    show_all([&](const Frame& frame) { cells += calibration.show(frame); });
    check(cells > 0, ErrorKind::usage, "the segmenter found no cells in ", files.size(), " images");
    seen = cat(cells, " cells in ", seen);
    scales = calibration.observed().scales();
  }
  const std::string note = cat("largest values of ", seen, ", giemsa " GIEMSA_VERSION);
  save_model(with_scales(model, scales, note), arguments.out);
  if (!arguments.quiet)
    std::cout << arguments.out << ": scales of " << scales.size() << " activations (" << note << ")\n";
  return Exit::ok;
}

constexpr const char* calibrate_footer = R"(Examples:
  giemsa calibrate deeplab.safetensors smears/ -o deeplab_int8.safetensors
  giemsa calibrate alexnet.safetensors smears/ --segmenter deeplab.safetensors -o alexnet_int8.safetensors
  giemsa run smear.png --segmenter deeplab_int8.safetensors --classifier alexnet_int8.safetensors --precision int8

The images are run in fp32; for each result that int8 stores in 8 bits a scale is chosen and written into the model file,
which otherwise stays as it is and runs in the other precisions as before. Some dozens of images that look like those to
come will do; they need no labels. A classifier sees the cells that the segmenter finds in them.)";

}  // namespace

void add_calibrate(CommandLine& line) {
  auto arguments = std::make_shared<CalibrateArguments>();
  CalibrateArguments& a = *arguments;
  Subcommand command(line, "calibrate", "find the scales with which a model runs in int8", calibrate_footer);
  command.option("MODEL", &a.model, " ", "a model file that giemsa convert made").required();
  command.option("INPUT", &a.inputs, " ", "images, and folders of images").required();
  command.option("-o,--output", &a.out, "OUT.safetensors", "model file to write; may be MODEL itself").required();
  command.option("--segmenter", &a.segmenter, "FILE", "finds the cells for a classifier (default: the shipped one)");
  add_segment_size_option(command, a.options.segment_size);
  command.option("--threads", &a.threads, "N", "threads (default: one per core)").check(number_in(1, 1024));
  command.flag("--quiet", a.quiet, "print nothing");
  command.runs([arguments] { return calibrate_model(*arguments); });
}

}  // namespace giemsa
