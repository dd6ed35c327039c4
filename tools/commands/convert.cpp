// giemsa convert: a PyTorch checkpoint in, one self-describing model file out; or such a file in, ONNX out.
#include <iostream>
#include <memory>
#include <optional>
#include <vector>

#include "nets/architecture.h"
#include "nets/convert/convert.h"
#include "nets/onnx/export.h"
#include "tools/cli/command.h"
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
  return Exit::ok;
}

constexpr const char* footer = R"(Examples:
  giemsa convert deeplab.pt --arch deeplabv3plus --preset smp --classes background,cell --input-size 320 -o deeplab.safetensors
  giemsa convert alexnet.pth --arch alexnet --preset torchvision --classes lymphocyte,monocyte -o alexnet.safetensors
  giemsa convert alexnet.pth --arch alexnet --preset torchvision --dtype int8 -o alexnet_int8.safetensors
  giemsa convert deeplab.safetensors --to onnx --input-size 512x512 -o deeplab.onnx

A checkpoint's tensors do not show its output stride, dilations, align_corners or normalisation: the preset supplies
them, and everything that was assumed is printed. The checkpoint's code is never executed.
Of several sets of weights in a file the averaged ones (model_ema, state_dict_ema) are taken, else those under state_dict
or model; what was taken and what else there is, is printed.
--to onnx writes a model for other runtimes: the layers as built, batch norms unfolded, weights in fp32, the batch open,
the size fixed.
Presets: )";

/// "deeplabv3plus: smp, vainf; alexnet: ..."
std::string all_presets() {
  std::string text;
  for (const Architecture& row : architectures()) {
    std::vector<std::string> names;
    for (const Preset& preset : row.presets) names.emplace_back(preset.name);
    text += cat(text.empty() ? "" : "; ", row.name, ": ", CLI::detail::join(names, ", "));
  }
  return text + '.';
}

}  // namespace

void add_convert(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<ConvertArguments>();
  ConvertArguments& a = *arguments;
  CLI::App* command = app.add_subcommand("convert", "make a model file from a PyTorch checkpoint, or ONNX from one");
  command->footer(footer + all_presets());
  command
      ->add_option(
          "IN", a.source,
          "checkpoint: .pt, .pth, .safetensors, or a folder that holds model.safetensors; with --to: a model file")
      ->required()
      ->type_name(" ");
  command->add_option("--arch", a.arch, architecture_names())->type_name("NAME");
  command->add_option("--preset", a.preset, "the family that the checkpoint comes from; see below")->type_name("NAME");
  command->add_option("--key", a.key, "of several sets of weights in IN, the one under this key (default: see below)")
      ->type_name("NAME");
  command->add_option("--strip", a.strip, "take this off the keys in front (default: what most keys share)")
      ->type_name("PREFIX");
  command->add_option("--to", a.to, "onnx: from a model file that this command made")
      ->check(one_of({"onnx"}))
      ->type_name("FORMAT");
  command->add_option("-o,--output", a.target, "file to write")->required()->type_name("OUT");
  command->add_flag("--quiet", a.quiet, "do not print what was assumed");

  const auto override_option = [&](const char* flag, const char* name, const char* value, const char* help) {
    command->add_option(flag, a.overrides[name], help)->type_name(value)->group("Instead of what the preset says");
  };
  override_option("--classes", "classes", "A,B,C", "names of the classes, in the order of the outputs");
  override_option("--dtype", "dtype", "TYPE",
                  "of the stored weights: fp32, fp16, bf16 or int8 (default: the checkpoint's)");
  override_option("--input-size", "input_size", "WxH|LONG",
                  "size at which the network sees an image, or its long side");
  override_option("--mean", "mean", "R,G,B", "subtracted from pixels in 0..1");
  override_option("--std", "std", "R,G,B", "then divided by");
  override_option("--output-stride", "output_stride", "8|16", "of the backbone");
  override_option("--aspp-rates", "aspp_rates", "A,B,C", "dilations of the atrous spatial pyramid");
  override_option("--align-corners", "align_corners", "BOOL", "of the bilinear upsampling: true or false");
  command->add_option("--set", a.set, "any other option that the conversion prints")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->group("Instead of what the preset says");
  command->callback([arguments, &action] {
    action = [arguments] { return arguments->to.empty() ? convert_checkpoint(*arguments) : write_onnx(*arguments); };
  });
}

}  // namespace giemsa
