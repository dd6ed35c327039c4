// A network alone, as the benchmarks run it: normalised pixels in, logits out.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "engine/run/session.h"
#include "nets/model.h"

namespace giemsa {

/// The model in a file; or, where `name` is an architecture's ("deeplabv3plus", "alexnet"), one of random weights.
inline Model open_or_invent(const std::string& name) {
  if (name == "deeplabv3plus") return random_model(name, "smp", 1);
  if (name == "alexnet") return random_model(name, "torchvision", 1);
  return load_model(std::filesystem::path(name));
}

/// The network on `batch` inputs of `size`.
inline Graph network_graph(const Model& model, std::int64_t batch, Size2 size) {
  Graph graph;
  const ValueId input = graph.input("input", {DType::f32, {batch, 3, size.h, size.w}});
  graph.mark_output(build_network(graph, input, model));
  return graph;
}

inline DType parse_precision(const std::string& name) {
  check(name == "fp32" || name == "bf16" || name == "int8", ErrorKind::usage,
        "precision must be fp32, bf16 or int8, is '", name, "'");
  return name == "bf16" ? DType::bf16 : name == "int8" ? DType::i8 : DType::f32;
}

}  // namespace giemsa
