#include "weights/quantize.h"

#include "kernels/cpu/matmul/quantize.h"

namespace giemsa {

QuantizedRows quantize_rows(const Tensor& matrix) {
  const Tensor source = to_f32(matrix);
  const std::int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
  std::vector<std::int8_t> weight(static_cast<std::size_t>(rows * columns));
  std::vector<float> scale(static_cast<std::size_t>(rows));
  kernels::cpu::quantize_rows(weight.data(), scale.data(), source.as<float>().data(), rows, columns);
  return {Tensor::from(DType::i8, matrix.shape(), std::move(weight)), Tensor::from(Shape{rows}, std::move(scale))};
}

}  // namespace giemsa
