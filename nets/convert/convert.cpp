#include "nets/convert/convert.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <set>

#include "nets/architecture.h"
#include "nets/blueprint.h"
#include "nets/convert/keys.h"
#include "nets/convert/training_config.h"
#include "nets/model.h"
#include "weights/convert/checkpoint.h"
#include "weights/quantize.h"
#include "weights/sha256.h"
#include "weights/text.h"

namespace giemsa {

namespace {

const std::set<std::string> general_names{"classes", "dtype", "input_size", "filter", "mean", "std"};

std::string assumed_classes(const ModelInfo& info, const TensorMap& tensors) {
  const std::string layer = architecture_of(info).logits_layer(info);
  const auto weight = tensors.find(layer + ".weight");
  check(weight != tensors.end() && weight->second.shape().rank() >= 2, ErrorKind::model, "missing tensor '", layer,
        ".weight', which gives the number of classes");
  const std::int64_t logits = weight->second.shape()[0];
  if (info.is_segmenter() && logits <= 2) return "background,foreground";
  check(logits > 1, ErrorKind::model, "layer ", layer,
        " gives one output, as a sigmoid takes it; a classifier needs one output for each of its classes");
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < logits; ++i) names.push_back(cat("class_", i));
  return join(names);
}

std::string checkpoint_dtype(const TensorMap& tensors) {
  for (const auto& [key, tensor] : tensors)
    if (tensor.shape().rank() >= 2 && (tensor.dtype() == DType::f16 || tensor.dtype() == DType::bf16))
      return std::string(name_of(tensor.dtype()));
  return "fp32";
}

/// The file's description, and where each of its values comes from.
ModelInfo describe(const ConvertOptions& options, const OptionTexts& configured, const TensorMap& tensors,
                   std::vector<Assumption>& assumptions) {
  OptionTexts general, architectural = configured;
  for (const auto& [name, value] : options.overrides)
    (general_names.contains(name) ? general : architectural)[name] = value;

  const ModelInfo preset = preset_info(options.arch, options.preset, architectural, tensors);
  OptionTexts metadata = to_metadata(preset);
  metadata["classes"] = assumed_classes(preset, tensors);
  metadata["dtype"] = checkpoint_dtype(tensors);
  for (const auto& [name, value] : general) metadata[name] = value;
  ModelInfo info = from_metadata(metadata, ErrorKind::usage);

  const std::set<std::string> from_keys{"separable", "layers", "backbone", "body", "head"};
  const auto assume = [&](const std::string& name, const std::string& value, const char* origin) {
    if (configured.contains(name)) origin = "config.json";
    assumptions.push_back({name, value, options.overrides.contains(name) ? "given" : origin});
  };
  assume("classes", metadata["classes"], "default");
  for (const char* name : {"input_size", "filter", "mean", "std"}) assume(name, metadata[name], "preset");
  for (const auto& [name, value] : to_text(info.options))
    assume(name, value, from_keys.contains(name) ? "checkpoint" : "preset");
  assume("dtype", metadata["dtype"], "checkpoint");
  return info;
}

/// Throws Error(usage) where the weights have no form of the wanted type.
void check_dtype(const ModelInfo& info) {
  if (info.dtype != "int8" || architecture_of(info).has_linear_layers) return;
  std::vector<std::string> others;
  for (const Architecture& each : architectures())
    if (each.has_linear_layers) others.emplace_back(each.name);
  fail(ErrorKind::usage, "dtype: int8 is for ", join(others, " and "), "'s linear layers, ", info.arch,
       " has none; take fp16");
}

Tensor stored_as(const std::string& key, const Tensor& tensor, DType dtype) {
  constexpr float usual_eps = 1e-5f;  // of batch norms: PyTorch takes the root of the variance plus this
  const Tensor values = to_f32(tensor);
  const bool is_variance = key.ends_with(".running_var");
  for (float value : values.as<float>()) {
    check(!is_variance || !(value + usual_eps <= 0), ErrorKind::model, "tensor ", key, " holds ", value,
          ", which no variance can be: every result would be NaN");
    check(std::isfinite(value), ErrorKind::model, "tensor ", key, " holds a value that is not finite: ", value);
    check(dtype != DType::f16 || std::abs(value) <= 65504, ErrorKind::model, "tensor ", key, " holds ", value,
          ", which fp16 cannot (its limit is 65504); take fp32 or bf16");
  }
  return to_float_type(tensor, dtype);
}

/// The tensors as a file of precision `dtype` holds them.
TensorMap store(const TensorMap& tensors, const std::string& dtype) {
  const DType matrices = dtype == "fp32" ? DType::f32 : dtype == "bf16" ? DType::bf16 : DType::f16;
  TensorMap stored;
  for (const auto& [key, tensor] : tensors) {
    if (dtype == "int8" && tensor.shape().rank() == 2) {
      QuantizedRows rows = quantize_rows(stored_as(key, tensor, DType::f32));
      stored[key] = std::move(rows.weight);
      stored[key + "_scale"] = std::move(rows.scale);
    } else {
      stored[key] = stored_as(key, tensor, tensor.shape().rank() >= 2 ? matrices : DType::f32);
    }
  }
  return stored;
}

/// Throws where the checkpoint is plainly of another preset than the one named, and says which.
void check_preset(const Preset& named, const std::string& arch, const TensorMap& tensors) {
  Hint hint{Hint::Kind::preset};
  std::vector<std::string> fitting;
  for (const Architecture& row : architectures())
    for (const Preset& preset : row.presets) {
      if (!preset.fits(tensors)) continue;
      if (&preset == &named) return;
      if (fitting.empty()) hint.subjects = {std::string(row.name), std::string(preset.name)};
      fitting.push_back(cat(row.name, " of preset ", preset.name));
    }
  check(!fitting.empty(), ErrorKind::model, "is not ", arch, " of preset ", named.name, ": ", describe_keys(tensors));
  throw Error(ErrorKind::model,
              cat("its tensors are those of ", join(fitting, " or "), ", not of ", arch, " of preset ", named.name),
              std::move(hint));
}

/// Throws where the network takes something else than three colours.
void check_colours(const Model& model) {
  for (const auto& [key, shape] : blueprint(model.info)) {
    const auto tensor = model.tensors.find(key);
    if (shape.rank() != 4 || shape[1] != 3 || tensor == model.tensors.end()) continue;
    const Shape& found = tensor->second.shape();
    check(found.rank() != 4 || found[1] == 3, ErrorKind::model, "takes images of ", found[1],
          found[1] == 1 ? " channel (grey)" : " channels", ", as tensor ", key, ' ', found,
          " shows; networks here take three colours");
  }
}

/// Throws unless the network can be built from the model.
void check_network(const Model& model) {
  Graph graph;
  const Size2 size = model.info.input.resolve({64, 64}, size_multiple(model.info));
  build_network(graph, graph.input("input", {DType::f32, {1, 3, size.h, size.w}}), model);
}

void take_off_prefixes(TensorMap& tensors, const ConvertOptions& options, ConvertReport& report) {
  if (options.strip.empty()) {
    report.stripped = strip_to_fit(tensors, report.skipped);
    return;
  }
  report.skipped = strip_prefix(tensors, options.strip);
  check(!tensors.empty(), ErrorKind::usage, "no key starts with ", in_quotes(options.strip));
  report.stripped = options.strip;
}

}  // namespace

ConvertReport convert(const ConvertOptions& options) {
  const Preset& preset = preset_of(architecture(options.arch, ErrorKind::usage), options.preset, ErrorKind::usage);
  const std::filesystem::path file =
      std::filesystem::is_directory(options.source) ? options.source / "model.safetensors" : options.source;
  const FileBytes bytes = map_file(file);
  Checkpoint checkpoint = read_checkpoint(bytes, options.key);

  ConvertReport report;
  report.format = checkpoint.format;
  report.taken = std::move(checkpoint.taken);
  report.others = std::move(checkpoint.others);
  Model model{{}, std::move(checkpoint.tensors), file.string()};
  const OptionTexts configured =
      file.filename() == "model.safetensors" ? read_training_config(file.parent_path()) : OptionTexts{};
  naming(model.file, [&] {
    check(!checkpoint.metadata.contains("giemsa.format"), ErrorKind::model, "is a converted model already");
    take_off_prefixes(model.tensors, options, report);
    const auto skip = [&](const std::vector<std::string>& keys) {
      for (const std::string& key : keys) model.tensors.erase(key);
      report.skipped.insert(report.skipped.end(), keys.begin(), keys.end());
    };
    skip(take_dispensable(model.tensors));
    skip(preset.constants(model.tensors));
    check_preset(preset, options.arch, model.tensors);
    model.info = describe(options, configured, model.tensors, report.assumptions);
    check_dtype(model.info);
    check_colours(model);
  });
  check_network(model);

  model.info.source = file.filename().string();
  model.info.source_sha256 = sha256(bytes.bytes);
  model.info.converter = "giemsa " GIEMSA_VERSION;
  const Model stored{model.info, naming(model.file, [&] { return store(model.tensors, model.info.dtype); }),
                     model.file};
  save_model(stored, options.target);

  report.info = model.info;
  report.tensors = stored.tensors.size();
  for (const auto& [key, tensor] : model.tensors) report.parameters += tensor.size();
  report.bytes = std::filesystem::file_size(options.target);
  return report;
}

std::string to_text(const ConvertReport& report) {
  std::ostringstream out;
  out << report.info.arch << " of preset " << report.info.preset << ", read from " << report.info.source << " ("
      << report.format << ")\n";
  if (!report.taken.empty()) out << "taken: the weights under " << in_quotes(report.taken);
  if (!report.others.empty()) {
    out << "; the file has others under ";
    for (const std::string& key : report.others) out << (&key == &report.others.front() ? "" : ", ") << in_quotes(key);
  }
  if (!report.taken.empty()) out << '\n';
  if (!report.stripped.empty()) out << "taken off the keys: " << in_quotes(report.stripped) << '\n';
  out << "assumed:\n";
  for (const auto& [name, value, origin] : report.assumptions)
    out << "  " << std::left << std::setw(16) << name << ' ' << std::setw(40) << value << " (" << origin << ")\n";
  out << "skipped " << report.skipped.size() << " tensors that inference does without";
  if (!report.skipped.empty()) out << ", the first: " << report.skipped.front();
  out << "\nwrote " << report.tensors << " tensors, " << report.parameters << " parameters, " << report.bytes
      << " bytes\n";
  return std::move(out).str();
}

}  // namespace giemsa
