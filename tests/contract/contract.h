// What an op promises, held to on every backend and in every precision: a graph of that op alone, on numbers that all
// of them hold exactly, so that what comes out is exact too or as near as its roundings allow. The program that these tests are part of has the CPU's backend and the GPU's (or the
// emulator's).
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/cpu/backend.h"
#include "engine/cuda/backend.h"
#include "tests/engine/running.h"
#include "tests/ops/compare.h"
#include "tests/ref/random.h"
#include "tests/ref/reference.h"

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

/// Of the CPU in fp32 on one, two and three threads, in bf16 where it has that; of the GPU in fp32 and fp16.
inline std::vector<std::shared_ptr<Backend>> floating_backends() {
  std::vector<std::shared_ptr<Backend>> backends;
  for (const int threads : {1, 2, 3}) backends.push_back(make_cpu_backend({.threads = threads}));
  if (cpu_facts().fast_bf16) backends.push_back(make_cpu_backend({.threads = 2, .precision = DType::bf16}));
  for (const DType precision : {DType::f32, DType::f16})
    backends.push_back(make_cuda_backend({.precision = precision}));
  return backends;
}

/// Runs it twice on each backend and in each precision that this machine has.
inline void check(const Contract& contract) {
  std::vector<std::shared_ptr<Backend>> backends = floating_backends();
  if (cpu_facts().fast_int8) backends.push_back(make_cpu_backend({.threads = 2, .precision = DType::i8}));

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
        else if (expected.dtype() == DType::i32)
          check_output<std::int32_t>(*session, i, expected, how);
        else
          check_output<std::uint8_t>(*session, i, expected, how);
      }
    }
  }
}

/// Multiply-adds beyond which a case is left to a GPU and to the kernel's own test: the emulator takes long.
constexpr double emulated_terms = 3e6;

/// Holds every backend that computes in floating point to `expected`. Operands and result are stored in the backend's
/// precision; each session gives the same bits run after run and session after session. `terms`: multiply-adds, as far
/// as they tell how long it takes.
inline void check_op(const std::string& name, const test::AddOp& add, const std::vector<Tensor>& inputs,
                     const ref::Reference& expected, double terms = 0) {
  for (const auto& backend : floating_backends()) {
    const DType precision = backend->precision();
    const std::string device = backend->device_name(), how = cat(name, " on ", device, " in ", precision);
#ifdef GIEMSA_SIMT
    if (terms > emulated_terms && !device.starts_with("cpu")) continue;
#else
    (void)terms;
#endif
    const Graph graph = test::graph_of(add, inputs, precision != DType::f32, precision != DType::f32);
    const auto session = backend->compile(graph), again = backend->compile(graph);
    const test::Outputs first = test::run(*session, inputs);
    CHECK_MESSAGE(test::same_bits(first, test::run(*session, inputs)), "the second run gives other bits: ", how);
    CHECK_MESSAGE(test::same_bits(first, test::run(*again, inputs)), "the second session gives other bits: ", how);
    test::check_reference(first[0], expected, precision, how);
  }
}

}  // namespace giemsa::contract
