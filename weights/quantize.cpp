#include "weights/quantize.h"

#include <algorithm>
#include <cmath>

namespace giemsa {

QuantizedRows quantize_rows(const Tensor& matrix) {
  const Tensor source = to_f32(matrix);
  const auto values = source.as<float>();
  const auto rows = static_cast<std::size_t>(matrix.shape()[0]), columns = static_cast<std::size_t>(matrix.shape()[1]);
  std::vector<std::int8_t> weight(values.size());
  std::vector<float> scale(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    const auto from = values.subspan(row * columns, columns);
    float largest = 0;
    for (float value : from) largest = std::max(largest, std::abs(value));
    scale[row] = largest > 0 ? largest / 127 : 1;
    std::ranges::transform(from, weight.begin() + static_cast<std::ptrdiff_t>(row * columns), [&](float value) {
      return static_cast<std::int8_t>(std::clamp(std::nearbyint(value / scale[row]), -127.f, 127.f));
    });
  }
  return {Tensor::from(DType::i8, matrix.shape(), std::move(weight)),
          Tensor::from(Shape{matrix.shape()[0]}, std::move(scale))};
}

}  // namespace giemsa
