#include "tests/engine/error_bound.h"

#include <algorithm>
#include <cmath>

#include "tests/ref/adaptive_avg_pool.h"
#include "tests/ref/add.h"
#include "tests/ref/batch_norm.h"
#include "tests/ref/concat.h"
#include "tests/ref/conv2d.h"
#include "tests/ref/flatten.h"
#include "tests/ref/linear.h"
#include "tests/ref/max_pool.h"
#include "tests/ref/relu.h"
#include "tests/ref/softmax.h"

namespace giemsa::test {

namespace {

Tensor tensor_of(const Shape& shape, const std::vector<double>& values) {
  return Tensor::from(shape, std::vector<float>(values.begin(), values.end()));
}

Tensor absolute(const Tensor& tensor) {
  std::vector<float> values(tensor.as<float>().begin(), tensor.as<float>().end());
  for (float& value : values) value = std::abs(value);
  return Tensor::from(tensor.shape(), std::move(values));
}

ref::Reference broadcast(const Tensor& input, Size2 output) {
  check(input.shape()[2] == 1 && input.shape()[3] == 1, ErrorKind::internal, "not a broadcast");
  return ref::adaptive_avg_pool(input, {output});  // every cell averages the only pixel
}

ref::Reference linear(const Tensor& input, const Linear& op, const Weights& weights) {
  const std::int64_t rows = input.shape()[0], k = input.shape()[1];
  ref::Reference result({rows, op.out_features}, static_cast<double>(k) + 1);
  const auto x = input.as<float>(), w = weights.weight.as<float>();
  for (std::int64_t i = 0; i < result.shape.volume(); ++i) {
    const std::int64_t row = i / op.out_features, output = i % op.out_features;
    const double bias = weights.bias ? weights.bias.as<float>()[static_cast<std::size_t>(output)] : 0.0;
    const ref::LinearValue at = ref::linear_at(x.data() + row * k, w.data() + output * k, k, 1, bias, op.activation);
    result.value[static_cast<std::size_t>(i)] = at.value;
    result.magnitude[static_cast<std::size_t>(i)] = at.magnitude;
  }
  return result;
}

/// Logits that are off by at most d each make probabilities off by a factor of at most exp(2 d).
Bounded softmax(const Bounded& logits) {
  const ref::Reference result = ref::softmax(tensor_of(logits.shape, logits.value));
  const double own = result.roundings * ref::unit_roundoff(DType::f32);
  Bounded out{result.shape, result.value, {}};
  const auto k = static_cast<std::size_t>(result.shape[1]);
  for (std::size_t i = 0; i < out.value.size(); ++i) {
    const auto row = logits.error.begin() + static_cast<std::ptrdiff_t>(i / k * k);
    const double off = *std::max_element(row, row + static_cast<std::ptrdiff_t>(k));
    out.error.push_back(out.value[i] * (std::exp(2 * off) * (1 + own / (1 - own)) - 1));
  }
  return out;
}

/// One op on the values or, with `spread`, on their errors: then weights lose their sign, constants vanish, and a
/// maximum or a relu passes on no more than it is given.
ref::Reference apply(const Node& node, const std::vector<Tensor>& inputs, bool spread) {
  Weights weights = node.weights.empty() ? Weights{} : node.weights[0];
  if (spread && weights.weight) weights.weight = absolute(weights.weight);
  if (spread) weights.bias = weights.running_mean = Tensor();
  if (const auto* op = std::get_if<Conv2d>(&node.op)) {
    Conv2d conv = *op;
    if (spread) conv.activation = Activation::none;
    return ref::conv2d(inputs[0], conv, weights);
  }
  if (const auto* op = std::get_if<BatchNorm>(&node.op)) {
    const auto channels = static_cast<std::size_t>(inputs[0].shape()[1]);
    if (spread)
      weights.bias = weights.running_mean = Tensor::from(weights.weight.shape(), std::vector<float>(channels));
    return ref::batch_norm(inputs[0], *op, weights);
  }
  if (const auto* op = std::get_if<Relu>(&node.op))
    return spread ? ref::relu(inputs[0]) : ref::relu(inputs[0], op->ceiling);
  if (const auto* op = std::get_if<Add>(&node.op)) return ref::add(inputs[0], inputs[1], *op);
  if (const auto* op = std::get_if<MaxPool>(&node.op)) return ref::max_pool(inputs[0], *op);
  if (const auto* op = std::get_if<AdaptiveAvgPool>(&node.op)) return ref::adaptive_avg_pool(inputs[0], *op);
  if (std::holds_alternative<Concat>(node.op)) return ref::concat(inputs);
  if (std::holds_alternative<Flatten>(node.op)) return ref::flatten(inputs[0]);
  if (const auto* op = std::get_if<Linear>(&node.op)) return linear(inputs[0], *op, weights);
  if (const auto* op = std::get_if<Upsample>(&node.op)) return broadcast(inputs[0], op->output);
  fail(ErrorKind::internal, "no error bound for ", name_of(node.op));
}

/// Relative error that an op's terms suffer, and its result when it is stored.
double term_error(const Node& node, double roundings, DType precision) {
  const double u = ref::unit_roundoff(DType::f32), stored = ref::unit_roundoff(precision);
  const bool conv = std::holds_alternative<Conv2d>(node.op), product = conv || std::holds_alternative<Linear>(node.op);
  if (conv) roundings += 2;  // a normalisation folded in rounds weight and bias once more
  const double sums = roundings * u / (1 - roundings * u);
  return product && precision != DType::f32 ? sums + 2 * stored + stored * stored : sums;  // both operands rounded
}

Bounded bounded(const Node& node, const std::vector<Bounded>& inputs, DType precision) {
  if (std::holds_alternative<Softmax>(node.op)) return softmax(inputs[0]);
  std::vector<Tensor> values, errors;
  for (const Bounded& input : inputs) {
    values.push_back(tensor_of(input.shape, input.value));
    errors.push_back(tensor_of(input.shape, input.error));
  }
  const ref::Reference result = apply(node, values, false), spread = apply(node, errors, true);
  const double relative = term_error(node, result.roundings, precision);
  Bounded out{result.shape, result.value, spread.value};
  for (std::size_t i = 0; i < out.value.size(); ++i) {
    out.error[i] += relative * (result.magnitude[i] + spread.value[i]);
    // The result is stored; the values and errors above went through fp32 themselves.
    out.error[i] +=
        (ref::unit_roundoff(precision) + 2 * ref::unit_roundoff(DType::f32)) * (std::abs(out.value[i]) + out.error[i]);
    if (precision == DType::f16) out.error[i] += 0x1p-25;  // below 2^-14 its numbers lie 2^-24 apart
  }
  return out;
}

}  // namespace

std::vector<Bounded> evaluate(const Graph& graph, std::span<const Tensor> inputs, DType precision) {
  std::vector<Bounded> results;
  std::size_t next_input = 0;
  for (const Node& node : graph.nodes()) {
    if (std::holds_alternative<Input>(node.op)) {
      const std::span<const float> values = inputs[next_input++].as<float>();
      results.push_back(
          {graph[node.output()].type.shape, {values.begin(), values.end()}, std::vector<double>(values.size())});
      continue;
    }
    std::vector<Bounded> operands;
    for (const ValueId id : node.inputs) operands.push_back(results[index_of(id)]);
    results.push_back(bounded(node, operands, precision));
  }
  return results;
}

double slack(const Bounded& result) {
  double errors = 0, values = 0;
  for (std::size_t i = 0; i < result.value.size(); ++i) {
    errors += result.error[i];
    values += std::abs(result.value[i]);
  }
  return errors / values;
}

}  // namespace giemsa::test
