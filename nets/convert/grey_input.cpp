#include "nets/convert/grey_input.h"

#include <array>

namespace giemsa {

Tensor widen_grey_input(const Tensor& weight) {
  constexpr std::array<float, 3> share{0.299f, 0.587f, 0.114f};
  const Tensor source = to_f32(weight);
  const Shape& shape = weight.shape();
  const auto plane = static_cast<std::size_t>(shape[2] * shape[3]);
  const auto values = source.as<float>();
  std::vector<float> widened;
  widened.reserve(3 * values.size());
  for (std::size_t begin = 0; begin < values.size(); begin += plane)
    for (const float part : share)
      for (std::size_t i = 0; i < plane; ++i) widened.push_back(part * values[begin + i]);
  return Tensor::from(Shape{shape[0], 3, shape[2], shape[3]}, std::move(widened));
}

}  // namespace giemsa
