#include "engine/base/tensor.h"

namespace giemsa {

namespace {

template <class T, class Convert>
Tensor converted(const Tensor& tensor, Convert convert) {
  const std::span<const T> source = tensor.as<T>();
  std::vector<float> values(source.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = convert(source[i]);
  return Tensor::from(tensor.shape(), std::move(values));
}

}  // namespace

Tensor to_f32(const Tensor& tensor) {
  const auto cast = [](auto value) { return static_cast<float>(value); };
  switch (tensor.dtype()) {
    case DType::f64:
      return converted<double>(tensor, cast);
    case DType::f32:
      return tensor;
    case DType::f16:
      return converted<std::uint16_t>(tensor, [](std::uint16_t bits) { return f16_to_f32(bits); });
    case DType::bf16:
      return converted<std::uint16_t>(tensor, bf16_to_f32);
    case DType::i64:
      return converted<std::int64_t>(tensor, cast);
    case DType::i32:
      return converted<std::int32_t>(tensor, cast);
    case DType::i16:
      return converted<std::int16_t>(tensor, cast);
    case DType::i8:
      return converted<std::int8_t>(tensor, cast);
    case DType::u8:
    case DType::boolean:
      return converted<std::uint8_t>(tensor, cast);
  }
  fail(ErrorKind::internal, "no conversion from ", tensor.dtype(), " to fp32");
}

Tensor to_float_type(const Tensor& tensor, DType dtype) {
  if (tensor.dtype() == dtype) return tensor;
  const Tensor source = to_f32(tensor);
  if (dtype == DType::f32) return source;
  check(dtype == DType::f16 || dtype == DType::bf16, ErrorKind::internal, "not a floating type: ", dtype);
  const auto round = dtype == DType::f16 ? f32_to_f16 : f32_to_bf16;
  std::vector<std::uint16_t> values;
  values.reserve(static_cast<std::size_t>(source.size()));
  for (float value : source.as<float>()) values.push_back(round(value));
  return Tensor::from(dtype, tensor.shape(), std::move(values));
}

}  // namespace giemsa
