// What an op promises, held to on every backend and in every precision: a graph of that op alone, on numbers that all
// of them hold exactly, so that what comes out is exact too or as near as its roundings allow. The program that these
// tests are part of has the CPU's backend and the GPU's (or the emulator's).
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/cpu/backend.h"
#include "engine/cuda/backend.h"
#include "tests/engine/error_text.h"
#include "tests/engine/running.h"
#include "tests/ops/compare.h"
#include "tests/ref/random.h"
#include "tests/ref/reference.h"

namespace giemsa::contract {

/// Runs the cases of one op. Every op has it, through GIEMSA_CONTRACT: test_every_op.cpp does not link without.
template <class Which>
void hold();

/// The body that follows is the contract of the op `Which`, and a test case. Within namespace giemsa.
#define GIEMSA_CONTRACT(Which)            \
  template <>                             \
  void contract::hold<Which>();           \
  TEST_CASE(#Which " on every backend") { \
    contract::hold<Which>();              \
  }                                       \
  template <>                             \
  void contract::hold<Which>()

struct Contract {
  std::string name;
  Op op;
  /// fp32 ones are feature maps of integers from -128 to 127; those of other types are given as they are.
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;  ///< exact in every precision
  std::vector<Weights> weights = {};
  bool stores_results = false;  ///< feature maps that come out are read in the backend's precision
  /// Why a backend has no kernel for the op alone; empty where it has.
  std::string cpu_refuses = {}, cuda_refuses = {};
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
  Node node{.name = "op", .op = contract.op, .inputs = {}, .weights = contract.weights};
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
  for (ValueId id : std::vector(graph[added].outputs)) {
    if (contract.stores_results && is_feature_map(graph[id].type))
      id = graph.add(graph[id].name + ".stored", Concat{}, {id});
    graph.mark_output(id);
  }
  return graph;
}

template <class T>
void check_output(const Session& session, std::size_t i, const Tensor& expected, const std::string& how) {
  test::check_equal(session.output<T>(i), expected.as<T>(), cat("output ", i, ' ', how));
}

/// Of the CPU in fp32 on one, two and three threads, in bf16 where it has that; of the GPU in fp32 and fp16. Made once:
/// threads take longer to start than most cases to run. Never destroyed, since a GPU's runtime may be gone by then.
inline const std::vector<std::shared_ptr<Backend>>& floating_backends() {
  static const auto& all = *new std::vector<std::shared_ptr<Backend>>([] {
    std::vector<std::shared_ptr<Backend>> backends;
    for (const int threads : {1, 2, 3}) backends.push_back(make_cpu_backend({.threads = threads}));
    if (cpu_facts().fast_bf16) backends.push_back(make_cpu_backend({.threads = 2, .precision = DType::bf16}));
    for (const DType precision : {DType::f32, DType::f16})
      backends.push_back(make_cuda_backend({.precision = precision}));
    return backends;
  }());
  return all;
}

inline bool is_cpu(const Backend& backend) {
  return backend.kind() == DeviceKind::cpu;
}

/// Whether tests/simt/runtime.cpp takes the place of CUDA's runtime.
inline bool is_emulated(const Backend& backend) {
  return backend.device_name().find("emulated") != std::string::npos;
}

/// Runs it twice on `backend`, or sees it refused there.
inline void check(const Contract& contract, Backend& backend) {
  const std::string where = cat("of ", contract.name, " on ", backend.device_name(), " in ", backend.precision());
  const Graph graph = graph_of(contract);
  const std::string& refusal = is_cpu(backend) ? contract.cpu_refuses : contract.cuda_refuses;
  if (!refusal.empty()) {
    CHECK(test::error_of(ErrorKind::model, [&] { (void)backend.compile(graph); }) ==
          cat("layer op: the ", is_cpu(backend) ? "CPU" : "GPU", " has no kernel for ", name_of(contract.op), ": ",
              refusal));
    return;
  }
  std::vector<const void*> inputs;
  for (const Tensor& input : contract.inputs) inputs.push_back(input.bytes().data());
  const auto session = backend.compile(graph);
  for (const char* run : {"first", "second"}) {
    session->run(inputs);
    for (std::size_t i = 0; i < contract.outputs.size(); ++i) {
      const Tensor& expected = contract.outputs[i];
      const std::string how = cat(where, ", ", run, " run");
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

/// On each backend and in each precision that this machine has.
inline void check(const Contract& contract) {
  std::vector<std::shared_ptr<Backend>> backends = floating_backends();
  if (cpu_facts().fast_int8) backends.push_back(make_cpu_backend({.threads = 2, .precision = DType::i8}));
  for (const auto& backend : backends) check(contract, *backend);
}

/// Multiply-adds beyond which a case is left to a GPU and to the kernel's own test: the emulator takes long.
constexpr double emulated_terms = 3e6;

/// Adds the op to a graph as its only layer.
inline test::AddOp adds(const Op& op, const Weights& weights = {}) {
  return
      [op, weights](Graph& graph, const std::vector<ValueId>& inputs) { return graph.add("op", op, inputs, weights); };
}

/// Holds every backend that computes in floating point to `expected`. Operands and result are stored in the backend's
/// precision; each session gives the same bits run after run and session after session. `terms`: multiply-adds, as far
/// as they tell how long it takes.
inline void check_op(const std::string& name, const test::AddOp& add, const std::vector<Tensor>& inputs,
                     const ref::Reference& expected, double terms = 0) {
  for (const auto& backend : floating_backends()) {
    const DType precision = backend->precision();
    const std::string how = cat(name, " on ", backend->device_name(), " in ", precision);
    if (terms > emulated_terms && is_emulated(*backend)) continue;
    const Graph graph = test::graph_of(add, inputs, precision != DType::f32, precision != DType::f32);
    const auto session = backend->compile(graph), again = backend->compile(graph);
    const test::Outputs first = test::run(*session, inputs);
    CHECK_MESSAGE(test::same_bits(first, test::run(*session, inputs)), "the second run gives other bits: ", how);
    CHECK_MESSAGE(test::same_bits(first, test::run(*again, inputs)), "the second session gives other bits: ", how);
    test::check_reference(first[0], expected, precision, how);
  }
}

/// The message with which a graph refuses the op on inputs of these types, with so many outputs.
inline std::string refusal(const Op& op, const std::vector<TensorType>& types,
                           const std::vector<std::string>& outputs) {
  return test::error_of(ErrorKind::model, [&] {
    Graph graph;
    Node node{.name = "layer", .op = op, .inputs = {}};
    for (const TensorType& type : types) node.inputs.push_back(graph.input(cat("x", node.inputs.size()), type));
    (void)graph.add(std::move(node), outputs);
  });
}

}  // namespace giemsa::contract
