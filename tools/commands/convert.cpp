// giemsa convert: a PyTorch checkpoint in, one self-describing model file out; or such a file in, ONNX out.
#include <iostream>
#include <memory>
#include <optional>
#include <vector>

#include "nets/architecture.h"
#include "nets/convert/checkpoint_table.h"
#include "nets/convert/convert.h"
#include "nets/onnx/export.h"
#include "tools/cli/arguments.h"
#include "tools/cli/model_files.h"

namespace giemsa {
namespace {

struct ConvertArguments {
  std::string source, target, arch, preset, key, strip, to;
  std::vector<std::string> set;
  std::map<std::string, std::string> overrides;
  bool quiet = false;
};

Exit write_onnx(const ConvertArguments& arguments) {
  check(arguments.arch.empty() && arguments.preset.empty() && arguments.set.empty(), ErrorKind::usage,
        "--to onnx takes a model that giemsa convert made, which says itself what it is: no --arch, --preset or --set");
  for (const auto& [name, value] : arguments.overrides)
    check(value.empty() || name == "input_size", ErrorKind::usage,
          "--to onnx: of a model's options only --input-size can "
          "be changed, not ",
          name);
  std::optional<InputSize> size;
  if (const std::string& text = arguments.overrides.at("input_size"); !text.empty())
    size = naming("--input-size", [&] { return InputSize::parse(text); });
  const OnnxReport report = export_onnx(open_model(arguments.source), size, arguments.target);
  if (!arguments.quiet) std::cout << to_text(report);
  return Exit::ok;
}

Exit convert_checkpoint(const ConvertArguments& arguments) {
  check(!arguments.arch.empty(), ErrorKind::usage, "--arch is required");
  check(!arguments.preset.empty(), ErrorKind::usage, "--preset is required");
  ConvertOptions options;
  options.source = arguments.source;
  options.target = arguments.target;
  options.arch = arguments.arch;
  options.preset = arguments.preset;
  options.key = arguments.key;
  options.strip = arguments.strip;
  for (const auto& [name, value] : arguments.overrides)
    if (!value.empty()) options.overrides[name] = value;
  for (const std::string& assignment : arguments.set) {
    const auto equals = assignment.find('=');
    check(equals != std::string::npos && equals > 0, ErrorKind::usage, "--set: '", assignment, "' is not NAME=VALUE");
    options.overrides[assignment.substr(0, equals)] = assignment.substr(equals + 1);
  }
  const ConvertReport report = convert(options);
  if (!arguments.quiet) std::cout << to_text(report);
  if (!arguments.quiet && !report.others.empty()) std::cout << "(--key " << report.others.front() << " takes that)\n";
  return Exit::ok;
}

constexpr const char* convert_footer = R"(Examples:
  giemsa convert deeplab.pt --arch deeplabv3plus --preset smp --classes background,cell --input-size 320 -o deeplab.safetensors
  giemsa convert alexnet.pth --arch alexnet --preset torchvision --classes lymphocyte,monocyte -o alexnet.safetensors
  giemsa convert alexnet.pth --arch alexnet --preset torchvision --dtype int8 -o alexnet_int8.safetensors
  giemsa convert deeplab.safetensors --to onnx --input-size 512x512 -o deeplab.onnx

A checkpoint's tensors do not show its output stride, dilations, align_corners or normalisation: the preset supplies
them, and everything that was assumed is printed. The checkpoint's code is never executed; whole models are read as data.
Of several sets of weights in a file the averaged ones (model_ema, state_dict_ema) are taken, else those under state_dict
or model; what was taken and what else there is, is printed.
--to onnx writes a model for other runtimes: the layers as built, batch norms unfolded, weights in fp32, the batch open,
the size fixed.
What it reads:

)";

}  // namespace

void add_convert(CommandLine& line) {
  auto arguments = std::make_shared<ConvertArguments>();
  ConvertArguments& a = *arguments;
  Subcommand command(line, "convert", "make a model file from a PyTorch checkpoint, or ONNX from one",
                     convert_footer + checkpoint_table());
  command
      .option("IN", &a.source, " ",
              "checkpoint: .pt, .pth, .safetensors, or a folder that holds model.safetensors; with --to: a model file")
      .required();
  command.option("--arch", &a.arch, "NAME", architecture_names());
  command.option("--preset", &a.preset, "NAME", "the family that the checkpoint comes from; see below");
  command.option("--key", &a.key, "NAME",
                 "of several sets of weights in IN, the one under this key (default: see below)");
  command.option("--strip", &a.strip, "PREFIX", "take this off the keys in front (default: what most keys share)");
  command.option("--to", &a.to, "FORMAT", "onnx: from a model file that this command made").check(one_of({"onnx"}));
  command.option("-o,--output", &a.target, "OUT", "file to write").required();
  command.flag("--quiet", a.quiet, "do not print what was assumed");

  command.heading("Instead of what the preset says");
  const auto override_option = [&](const char* flag, const char* name, const char* value, const char* help) {
    command.option(flag, &a.overrides[name], value, help);
  };
  override_option("--classes", "classes", "A,B,C", "names of the classes, in the order of the outputs");
  override_option(
      "--background", "background", "NAME",
      "of a segmenter's classes, the one that is no cell (default: the class of that name, else the first)");
  override_option("--cells", "cells", "A,B",
                  "of a segmenter's classes, those that are cells (default: all but background, red cells, platelets)");
  override_option("--channels", "channels", "rgb|bgr",
                  "in which order the network takes colours (default: rgb; bgr: trained on OpenCV's images)");
  override_option("--dtype", "dtype", "TYPE",
                  "of the stored weights: fp32, fp16, bf16 or int8 (default: the checkpoint's)");
  override_option("--input-size", "input_size", "WxH|LONG",
                  "size at which the network sees an image, or its long side");
  override_option("--mean", "mean", "A,B,C", "of each channel in the network's order, subtracted from pixels in 0..1");
  override_option("--std", "std", "A,B,C", "then divided by");
  override_option("--output-stride", "output_stride", "8|16", "of the backbone");
  override_option("--aspp-rates", "aspp_rates", "A,B,C", "dilations of the atrous spatial pyramid");
  override_option("--align-corners", "align_corners", "BOOL", "of the bilinear upsampling: true or false");
  command.option("--set", &a.set, "NAME=VALUE", "any other option that the conversion prints").takes_one_each_time();
  command.runs([arguments] { return arguments->to.empty() ? convert_checkpoint(*arguments) : write_onnx(*arguments); });
}

}  // namespace giemsa
