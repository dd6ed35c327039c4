#include "tests/engine/running.h"

#include <map>

#include "tests/ops/compare.h"

namespace giemsa::test {

namespace {

bool is_picture(const Shape& shape) {
  return shape.rank() == 4;
}

/// A Concat of one input: the CPU backend stores its result in the network's precision.
ValueId stored(Graph& graph, const std::string& name, ValueId id) {
  return is_feature_map(graph[id].type) ? graph.add(name, Concat{}, {id}) : id;
}

std::vector<float> run_twice(Backend& backend, const Graph& graph, const std::vector<Tensor>& inputs,
                             const std::string& rerun) {
  const auto session = backend.compile(graph), again = backend.compile(graph);
  const Outputs first = run(*session, inputs);
  CHECK_MESSAGE(same_bits(first, run(*session, inputs)), "the second run gives other bits; ", rerun);
  CHECK_MESSAGE(same_bits(first, run(*again, inputs)), "the second session gives other bits; ", rerun);
  return first[0];
}

}  // namespace

Graph graph_of(const AddOp& add, const std::vector<Tensor>& inputs, bool store_operands, bool store_result) {
  Graph graph;
  std::vector<ValueId> ids;
  for (const Tensor& input : inputs) {
    const std::string name = cat("input", ids.size());
    ValueId id = graph.input(name, {input.dtype(), input.shape()});
    if (store_operands) id = stored(graph, name + ".stored", id);
    ids.push_back(id);
  }
  ValueId result = add(graph, ids);
  if (store_result) result = stored(graph, "result", result);
  graph.mark_output(result);
  return graph;
}

Backend& cpu(DType precision, int threads) {
  static std::map<std::pair<DType, int>, std::shared_ptr<Backend>> backends;
  auto& backend = backends[{precision, threads}];
  if (!backend) backend = make_cpu_backend({.threads = threads, .precision = precision});
  return *backend;
}

Outputs run(Session& session, std::span<const Tensor> inputs) {
  std::vector<const void*> pointers;
  for (const Tensor& input : inputs) pointers.push_back(input.bytes().data());
  session.run(pointers);
  Outputs outputs;
  for (std::size_t i = 0; i < session.graph().outputs().size(); ++i) {
    const std::span<const float> values = session.output<float>(i);
    outputs.emplace_back(values.begin(), values.end());
  }
  return outputs;
}

Outputs run(Backend& backend, const Graph& graph, std::span<const Tensor> inputs, bool optimized) {
  return run(*backend.compile(graph, optimized), inputs);
}

bool same_bits(const Outputs& a, const Outputs& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].size() != b[i].size() || std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(float)) != 0)
      return false;
  return true;
}

void check_reference(std::span<const float> actual, const ref::Reference& expected, DType storage,
                     const std::string& rerun) {
  const auto tolerance = [&](std::size_t i) { return ref::tolerance(expected, i, storage); };
  check_close(actual, std::span(expected.value), tolerance, cat("shape ", expected.shape, "; ", rerun));
}

void check_op(const std::string& test, const std::string& name, const AddOp& add, const std::vector<Tensor>& inputs,
              const ref::Reference& expected) {
  const std::string again = cat("test_engine -tc=\"", test, "\" -sc=\"", name, "\"");
  for (const int threads : {1, 2, 3}) {
    const std::string rerun = cat("fp32, ", threads, " threads: ", again);
    const auto actual = run_twice(cpu(DType::f32, threads), graph_of(add, inputs, false, false), inputs, rerun);
    check_reference(actual, expected, DType::f32, rerun);
  }
  if (!cpu_facts().fast_bf16) {
    MESSAGE("skipped in bf16: this CPU lacks AVX512_BF16");
    return;
  }
  const std::string rerun = "bf16: " + again;
  const auto actual = run_twice(cpu(DType::bf16), graph_of(add, inputs, true, true), inputs, rerun);
  check_reference(actual, expected, is_picture(expected.shape) ? DType::bf16 : DType::f32, rerun);
}

}  // namespace giemsa::test
