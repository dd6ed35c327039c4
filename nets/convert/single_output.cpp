#include "nets/convert/single_output.h"

#include <algorithm>

namespace giemsa {

namespace {

/// `values` behind as many zeros, in its own type.
Tensor behind_zeros(const Tensor& values, const Shape& shape) {
  const Tensor source = to_f32(values);
  std::vector<float> widened(static_cast<std::size_t>(2 * values.size()));
  std::ranges::copy(source.as<float>(), widened.begin() + static_cast<std::ptrdiff_t>(values.size()));
  return to_float_type(Tensor::from(shape, std::move(widened)), values.dtype());
}

bool is_floating(const Tensor& tensor) {
  return tensor.dtype() == DType::f32 || tensor.dtype() == DType::f16 || tensor.dtype() == DType::bf16;
}

}  // namespace

bool widen_single_output(TensorMap& tensors, const std::string& layer) {
  const auto weight = tensors.find(layer + ".weight"), bias = tensors.find(layer + ".bias");
  if (weight == tensors.end() || bias == tensors.end()) return false;
  const Shape shape = weight->second.shape();
  if (shape.rank() != 2 || shape[0] != 1 || bias->second.shape() != Shape{1}) return false;
  if (!is_floating(weight->second) || !is_floating(bias->second)) return false;
  weight->second = behind_zeros(weight->second, {2, shape[1]});
  bias->second = behind_zeros(bias->second, {2});
  return true;
}

}  // namespace giemsa
