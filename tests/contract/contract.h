// What an op promises, held to on every backend and in every precision: a graph of that op alone, on numbers that all
// of them hold exactly. The program that these tests are part of has the CPU's backend and the GPU's (or the
// emulator's).
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/cpu/backend.h"
#include "engine/cuda/backend.h"
#include "tests/ops/compare.h"
#include "tests/ref/random.h"

namespace giemsa::contract {

struct Contract {
  std::string name;
  Op op;
  /// fp32 ones are feature maps of integers from -128 to 127; those of other types are given as they are.
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;  ///< exact in every precision
};

/// Small integers, of which many are equal.
inline Tensor integers(const Shape& shape, std::uint64_t seed) {
  const Tensor fractions = ref::random_tensor(shape, seed, -6, 6);
  std::vector<float> values;
  for (const float value : fractions.as<float>()) values.push_back(static_cast<float>(static_cast<int>(value)));
  return Tensor::from(shape, std::move(values));
}

/// The op on its inputs, which a Concat of each stores in the backend's precision, with a scale of 1 in 8 bits.
inline Graph graph_of(const Contract& contract) {
  Graph graph;
  Node node{.name = "op", .op = contract.op, .inputs = {}};
  for (std::size_t i = 0; i < contract.inputs.size(); ++i) {
    const Tensor& tensor = contract.inputs[i];
    ValueId id = graph.input(cat("input", i), {tensor.dtype(), tensor.shape()});
    if (is_feature_map(graph[id].type)) {
      id = graph.add(cat("stored", i), Concat{}, {id});
      graph.calibrate(id, 1);
    }
    node.inputs.push_back(id);
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < contract.outputs.size(); ++i) names.push_back(cat("output", i));
  const NodeId added = graph.add(std::move(node), names);
  for (ValueId id : graph[added].outputs) graph.mark_output(id);
  return graph;
}

template <class T>
void check_output(const Session& session, std::size_t i, const Tensor& expected, const std::string& how) {
  test::check_equal(session.output<T>(i), expected.as<T>(), cat("output ", i, ' ', how));
}

/// Runs it twice on each backend and in each precision that this machine has.
inline void check(const Contract& contract) {
  std::vector<std::shared_ptr<Backend>> backends;
  for (const int threads : {1, 3}) backends.push_back(make_cpu_backend({.threads = threads}));
  if (cpu_facts().fast_bf16) backends.push_back(make_cpu_backend({.threads = 2, .precision = DType::bf16}));
  if (cpu_facts().fast_int8) backends.push_back(make_cpu_backend({.threads = 2, .precision = DType::i8}));
  for (const DType precision : {DType::f32, DType::f16})
    backends.push_back(make_cuda_backend({.precision = precision}));

  const Graph graph = graph_of(contract);
  std::vector<const void*> inputs;
  for (const Tensor& input : contract.inputs) inputs.push_back(input.bytes().data());
  for (const auto& backend : backends) {
    const auto session = backend->compile(graph);
    for (const char* run : {"first", "second"}) {
      session->run(inputs);
      for (std::size_t i = 0; i < contract.outputs.size(); ++i) {
        const Tensor& expected = contract.outputs[i];
        const std::string how =
            cat("of ", contract.name, ", ", run, " run on ", backend->device_name(), " in ", backend->precision());
        REQUIRE(graph[graph.outputs()[i]].type == TensorType{expected.dtype(), expected.shape()});
        if (expected.dtype() == DType::f32)
          check_output<float>(*session, i, expected, how);
        else
          check_output<std::uint8_t>(*session, i, expected, how);
      }
    }
  }
}

}  // namespace giemsa::contract
