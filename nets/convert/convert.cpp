#include "nets/convert/convert.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <set>

#include "nets/architecture.h"
#include "nets/blueprint.h"
#include "nets/cell_classes.h"
#include "nets/convert/grey_input.h"
#include "nets/convert/keys.h"
#include "nets/convert/single_output.h"
#include "nets/convert/training_config.h"
#include "nets/model.h"
#include "weights/convert/checkpoint.h"
#include "weights/quantize.h"
#include "weights/sha256.h"
#include "weights/text.h"

namespace giemsa {

namespace {

const std::set<std::string> general_names{"classes", "dtype",    "input_size", "filter", "mean",
                                          "std",     "channels", "background", "cells"};

std::int64_t outputs_of(const ModelInfo& info, const TensorMap& tensors) {
  const std::string layer = architecture_of(info).logits_layer(info);
  const auto weight = tensors.find(layer + ".weight");
  check(weight != tensors.end() && weight->second.shape().rank() >= 2, ErrorKind::model, "missing tensor '", layer,
        ".weight', which gives the number of classes");
  return weight->second.shape()[0];
}

std::string assumed_classes(const ModelInfo& info, const TensorMap& tensors) {
  const std::int64_t logits = outputs_of(info, tensors);
  if (info.is_segmenter() && logits <= 2) return "background,foreground";
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

/// The classes that `general` says are cells, by naming them or the background; empty: it does not say.
std::string given_cells(const OptionTexts& general, const std::vector<std::string>& classes) {
  const auto cells = general.find("cells"), background = general.find("background");
  if (background == general.end()) return cells == general.end() ? std::string() : cells->second;
  check(std::ranges::count(classes, background->second) == 1, ErrorKind::usage,
        "background: ", in_quotes(background->second), " is none of the classes ", join(classes, ", "));
  if (cells != general.end()) {
    check(std::ranges::count(split(cells->second), background->second) == 0, ErrorKind::usage,
          "background: ", in_quotes(background->second), " is among the cells too");
    return cells->second;
  }
  std::vector<std::string> others = classes;
  std::erase(others, background->second);
  return join(others);
}

std::string note_about_cells(const ModelInfo& info) {
  const std::vector<std::string> cells = cells_of(info);
  std::vector<std::string> others = info.classes;
  std::erase_if(others, [&](const std::string& name) { return std::ranges::count(cells, name) > 0; });
  return cat("pixels of ", join(cells, ", "), " count as cells, those of ", join(others, ", "), " do not");
}

/// The file's description, and where each of its values comes from. A single output of a classifier becomes two.
/// `shown` and `configured` are options that the keys and a config.json tell.
ModelInfo describe(const ConvertOptions& options, const OptionTexts& shown, const OptionTexts& configured,
                   TensorMap& tensors, ConvertReport& report) {
  OptionTexts general, architectural = configured;
  architectural.insert(shown.begin(), shown.end());
  for (const auto& [name, value] : options.overrides)
    (general_names.contains(name) ? general : architectural)[name] = value;

  const ModelInfo preset = preset_info(options.arch, options.preset, architectural, tensors);
  if (!preset.is_segmenter() && widen_single_output(tensors, architecture_of(preset).logits_layer(preset)))
    report.notes.push_back("the network has one output, a sigmoid's: it is the second class, the first is the rest");
  OptionTexts metadata = to_metadata(preset);
  metadata["classes"] = assumed_classes(preset, tensors);
  metadata["dtype"] = checkpoint_dtype(tensors);
  for (const auto& [name, value] : general)
    if (name != "background" && name != "cells") metadata[name] = value;
  if (preset.is_segmenter() && outputs_of(preset, tensors) == 1 && split(metadata["classes"]).size() == 1)
    metadata["classes"] = "background," + metadata["classes"];
  if (const std::string cells = given_cells(general, split(metadata["classes"])); !cells.empty())
    metadata["cells"] = cells;
  ModelInfo info = from_metadata(metadata, ErrorKind::usage);

  const std::set<std::string> from_keys{"separable", "layers", "backbone",  "stages",
                                        "body",      "head",   "pool_size", "centre_offset"};
  const auto assume = [&](const std::string& name, const std::string& value, const char* origin) {
    if (configured.contains(name))
      origin = "config.json";
    else if (shown.contains(name))
      origin = "checkpoint";
    report.assumptions.push_back({name, value, options.overrides.contains(name) ? "given" : origin});
  };
  assume("classes", metadata["classes"], "default");
  if (info.is_segmenter()) {
    assume("cells", join(cells_of(info)),
           options.overrides.contains("background")     ? "given"
           : named_background(info.classes).has_value() ? "names"
                                                        : "default");
    report.notes.push_back(note_about_cells(info));
  }
  for (const char* name : {"input_size", "filter", "mean", "std"}) assume(name, metadata[name], "preset");
  assume("channels", info.channels == ChannelOrder::bgr ? "bgr" : "rgb", "default");
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

/// The mean, or standard deviation, of all channels of a network that takes grey images: what was given for each, or
/// else what the preset has on average.
std::array<float, 3> one_for_all(const std::array<float, 3>& values, bool given, const char* name) {
  check(!given || (values[0] == values[1] && values[1] == values[2]), ErrorKind::usage, name,
        ": a network that takes grey images has one for all channels");
  const float one = given ? values[0] : (values[0] + values[1] + values[2]) / 3;
  return {one, one, one};
}

/// Makes a network that takes grey images take colours; throws where it takes something else.
void adapt_colours(Model& model, const ConvertOptions& options, ConvertReport& report) {
  for (const auto& [key, shape] : blueprint(model.info)) {
    const auto tensor = model.tensors.find(key);
    if (shape.rank() != 4 || shape[1] != 3 || tensor == model.tensors.end()) continue;
    const Shape found = tensor->second.shape();
    if (found.rank() != 4 || found[1] == 3) continue;
    check(found[1] == 1 && found.volume() > 0, ErrorKind::model, "takes images of ", found[1], " channels, as tensor ",
          key, ' ', found, " shows; networks here take three colours, or grey");
    tensor->second = widen_grey_input(tensor->second);
    model.info.mean = one_for_all(model.info.mean, options.overrides.contains("mean"), "mean");
    model.info.std = one_for_all(model.info.std, options.overrides.contains("std"), "std");
    const OptionTexts metadata = to_metadata(model.info);
    for (Assumption& assumption : report.assumptions)
      if (assumption.name == "mean" || assumption.name == "std") assumption.value = metadata.at(assumption.name);
    report.notes.push_back(cat("the network takes grey images: of colours it sees 0.299 R + 0.587 G + 0.114 B"));
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
    const OptionTexts shown = use_one_spelling(model.tensors);
    const auto skip = [&](const std::vector<std::string>& keys) {
      for (const std::string& key : keys) model.tensors.erase(key);
      report.skipped.insert(report.skipped.end(), keys.begin(), keys.end());
    };
    skip(take_dispensable(model.tensors));
    check_preset(preset, options.arch, model.tensors);
    model.info = describe(options, shown, configured, model.tensors, report);
    skip(preset.constants(model.tensors));
    check_dtype(model.info);
    adapt_colours(model, options, report);
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
  if (!report.taken.empty()) {
    out << "taken: the weights under " << in_quotes(report.taken);
    for (const std::string& key : report.others)
      out << (&key == &report.others.front() ? "; there too, and not taken: " : ", ") << in_quotes(key);
    out << '\n';
  }
  if (!report.stripped.empty()) out << "taken off the keys: " << in_quotes(report.stripped) << '\n';
  out << "assumed:\n";
  for (const auto& [name, value, origin] : report.assumptions)
    out << "  " << std::left << std::setw(16) << name << ' ' << std::setw(40) << value << " (" << origin << ")\n";
  for (const std::string& note : report.notes) out << "note: " << note << '\n';
  out << "skipped " << report.skipped.size() << " tensors that inference does without";
  if (!report.skipped.empty()) out << ", the first: " << report.skipped.front();
  out << "\nwrote " << report.tensors << " tensors, " << report.parameters << " parameters, " << report.bytes
      << " bytes\n";
  return std::move(out).str();
}

}  // namespace giemsa
