#include "engine/ops/onnx_form.h"

namespace giemsa {

Tensor widened(const Weights& weights) {
  if (!weights.scale) return to_f32(weights.weight);
  const auto codes = weights.weight.as<std::int8_t>();
  const Tensor scales = to_f32(weights.scale);
  const std::size_t row = codes.size() / scales.as<float>().size();
  std::vector<float> values(codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) values[i] = codes[i] * scales.as<float>()[i / row];
  return Tensor::from(weights.weight.shape(), std::move(values));
}

}  // namespace giemsa
