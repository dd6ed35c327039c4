#include "nets/model.h"

#include <algorithm>
#include <cmath>

#include "nets/architecture.h"
#include "nets/blueprint.h"
#include "weights/safetensors.h"
#include "weights/seal.h"
#include "weights/text.h"

namespace giemsa {

namespace {

/// The network that `info` describes, of whatever tensors `source` gives.
ValueId describe(Graph& graph, ValueId input, const ModelInfo& info, const TensorSource& source) {
  Layers layers(graph, source);
  return architecture_of(info).build(layers, input, info);
}

/// Throws unless the model has the tensors that its network needs, and no others.
void check_keys(const Model& model) {
  const std::map<std::string, Shape> needed = blueprint(model.info);
  std::vector<std::string> missing, unexpected;
  for (const auto& [key, shape] : needed)
    if (!model.tensors.contains(key)) missing.push_back(key);
  for (const auto& [key, tensor] : model.tensors) {
    const bool is_scale = key.ends_with(".weight_scale") && needed.contains(key.substr(0, key.size() - 6));
    const bool is_activation_scale = key.ends_with(activation_scale_suffix);  // apply_scales knows which are right
    if (!needed.contains(key) && !is_scale && !is_activation_scale) unexpected.push_back(key);
  }
  const auto report = [&](const char* problem, const std::vector<std::string>& keys) {
    const std::string others = keys.size() > 1 ? cat(" (and ", keys.size() - 1, " more)") : "";
    fail(ErrorKind::model, problem, " tensor ", in_quotes(keys.front()), others, " for ", model.info.arch,
         " of preset ", model.info.preset);
  };
  if (!missing.empty()) report("missing", missing);
  if (!unexpected.empty()) report("unexpected", unexpected);
}

/// Gives the results of the network that starts at `input` their scales.
void apply_scales(Graph& graph, ValueId input, const Model& model) {
  for (const auto& [key, tensor] : model.tensors) {
    if (!key.ends_with(activation_scale_suffix)) continue;
    const std::string name = key.substr(0, key.size() - activation_scale_suffix.size());
    const auto found = name == "input" ? input : graph.find(name);
    check(found && *found >= input, ErrorKind::model, "unexpected tensor ", in_quotes(key),
          ": the network has no result ", in_quotes(name));
    check(tensor.dtype() == DType::f32 && tensor.size() == 1, ErrorKind::model, "tensor ", in_quotes(key), " is ",
          tensor.dtype(), ' ', tensor.shape(), ", expected one fp32 value");
    const float scale = tensor.as<float>()[0];
    check(std::isfinite(scale) && scale > 0, ErrorKind::model, "tensor ", in_quotes(key), " holds ", scale,
          ", expected a positive number");
    graph.calibrate(*found, scale);
  }
}

void check_classes(const ModelInfo& info, std::int64_t logits) {
  const auto classes = static_cast<std::int64_t>(info.classes.size());
  const bool one_logit_for_two = info.is_segmenter() && logits == 1 && classes == 2;
  check(logits == classes || one_logit_for_two, ErrorKind::model, "layer ", architecture_of(info).logits_layer(info),
        " gives ", logits, " logits, but there are ", classes, " classes: ", join(info.classes));
  check(!one_logit_for_two || cells_of(info) == std::vector{info.classes[1]}, ErrorKind::model, "layer ",
        architecture_of(info).logits_layer(info), " gives one logit, that of the second class, but of the classes ",
        join(info.classes), " the cells are ", join(cells_of(info)), ": name the background first");
}

}  // namespace

std::map<std::string, Shape> blueprint(const ModelInfo& info) {
  std::map<std::string, Shape> shapes;
  const auto nothing = std::make_shared<const std::byte>();
  Graph graph;
  const Size2 size = info.input.long_side ? Size2{64, 64} : info.input.fixed;
  const ValueId input = graph.input("input", {DType::f32, {1, 3, size.h, size.w}});
  describe(graph, input, info, [&](const std::string& name, const Shape& shape) {
    shapes.emplace(name, shape);
    return Tensor(DType::f32, shape, nothing);  // has a shape and no values: building a graph reads none
  });
  return shapes;
}

Model load_model(const std::filesystem::path& file) {
  return load_model(map_file(file));
}

Model load_model(const FileBytes& file) {
  TensorFile content = read_safetensors(file);  // names the file in its errors
  return naming(file.name, [&] {
    check_format(content.metadata, ErrorKind::model);
    check_seal(content.tensors, content.metadata);
    auto description = content.metadata;
    description.erase(seal_key);
    return Model{from_metadata(description, ErrorKind::model), std::move(content.tensors), file.name};
  });
}

ValueId build_network(Graph& graph, ValueId input, const Model& model) {
  return naming(model.file, [&] {
    check_keys(model);
    const auto stored = [&](const std::string& name, const Shape&) {
      const auto it = model.tensors.find(name);
      check(it != model.tensors.end(), ErrorKind::model, "missing tensor '", name, "'");
      return it->second;
    };
    const ValueId logits = describe(graph, input, model.info, stored);
    check_classes(model.info, graph[logits].type.shape[1]);
    apply_scales(graph, input, model);
    return logits;
  });
}

std::optional<ValueId> centre_offsets(const Graph& graph, const Model& model) {
  const std::string layer = architecture_of(model.info).centre_layer(model.info);
  return layer.empty() ? std::nullopt : graph.find(layer);
}

bool has_centre_head(const ModelInfo& info) {
  return !architecture_of(info).centre_layer(info).empty();
}

void check_scales(const Model& model, DType precision) {
  if (precision != DType::i8) return;
  const bool calibrated = std::ranges::any_of(
      model.tensors, [](const auto& entry) { return entry.first.ends_with(activation_scale_suffix); });
  if (!calibrated)
    throw Error(ErrorKind::model, cat(model.file, ": has no scales of its activations, which int8 needs"),
                {Hint::Kind::calibrate, {model.file}});
}

Model with_scales(Model model, const std::map<std::string, float>& scales, std::string note) {
  std::erase_if(model.tensors, [](const auto& entry) { return entry.first.ends_with(activation_scale_suffix); });
  for (const auto& [name, scale] : scales)
    model.tensors[name + std::string(activation_scale_suffix)] = Tensor::from(Shape{1}, {scale});
  model.info.calibration = std::move(note);
  return model;
}

void save_model(const Model& model, const std::filesystem::path& file) {
  std::map<std::string, std::string> metadata = to_metadata(model.info);
  metadata[seal_key] = seal_of(model.tensors, metadata);
  write_safetensors(file, model.tensors, metadata);
}

std::int64_t size_multiple(const ModelInfo& info) {
  return architecture_of(info).size_multiple(info.options);
}

}  // namespace giemsa
