// Models of a preset at full width without values: enough to build graphs and look at them.
#pragma once

#include <memory>
#include <string>

#include "nets/architecture.h"
#include "nets/blueprint.h"
#include "nets/model.h"

namespace giemsa::test {

inline Model blank_model(const std::string& arch, const std::string& preset, const OptionTexts& overrides = {},
                         const std::string& separable_key = {}) {
  const auto nothing = std::make_shared<const std::byte>();
  Model model;
  const TensorMap hint =
      separable_key.empty() ? TensorMap{} : TensorMap{{separable_key, Tensor(DType::f32, {1}, nothing)}};
  model.info = preset_info(arch, preset, overrides, hint);
  model.info.classes = {"a", "b"};
  model.info.dtype = "fp32";
  model.file = "blank";
  for (const auto& [name, shape] : blueprint(model.info)) model.tensors[name] = Tensor(DType::f32, shape, nothing);
  return model;
}

/// The network of `model` for one image of `size`.
inline Graph build(const Model& model, Size2 size) {
  Graph graph;
  graph.mark_output(build_network(graph, graph.input("input", {DType::f32, {1, 3, size.h, size.w}}), model));
  return graph;
}

}  // namespace giemsa::test
