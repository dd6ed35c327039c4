#include "nets/onnx/model_proto.h"

namespace giemsa::onnx {

namespace {

enum AttributeType { float_type = 1, int_type = 2, string_type = 3, ints_type = 7 };

Message attribute_of(std::string_view name, AttributeType type) {
  Message result;
  result.text(1, name);
  result.integer(20, type);
  return result;
}

}  // namespace

Message attribute(std::string_view name, std::int64_t value) {
  Message result = attribute_of(name, int_type);
  result.integer(3, value);
  return result;
}

Message attribute(std::string_view name, float value) {
  Message result = attribute_of(name, float_type);
  result.real(2, value);
  return result;
}

Message attribute(std::string_view name, std::string_view value) {
  Message result = attribute_of(name, string_type);
  result.text(4, value);
  return result;
}

Message attribute(std::string_view name, std::span<const std::int64_t> values) {
  Message result = attribute_of(name, ints_type);
  for (std::int64_t value : values) result.integer(8, value);
  return result;
}

Message constant(std::string_view name, const Tensor& tensor) {
  const bool integers = tensor.dtype() == DType::i64;
  check(integers || tensor.dtype() == DType::f32, ErrorKind::internal, "constant ", name, " of type ", tensor.dtype());
  Message result;
  for (std::int64_t extent : tensor.shape().extents()) result.integer(1, extent);
  result.integer(2, static_cast<std::int64_t>(integers ? ElementType::i64 : ElementType::f32));
  result.text(8, name);
  result.bytes(9, tensor);
  return result;
}

Message value_info(std::string_view name, const Shape& shape) {
  Message extents;
  for (int i = 0; i < shape.rank(); ++i) {
    Message extent;
    if (i == 0)
      extent.text(2, batch_name);
    else
      extent.integer(1, shape[i]);
    extents.message(1, std::move(extent));
  }
  Message tensor, type, result;
  tensor.integer(1, static_cast<std::int64_t>(ElementType::f32));
  tensor.message(2, std::move(extents));
  type.message(1, std::move(tensor));
  result.text(1, name);
  result.message(2, std::move(type));
  return result;
}

Message node(std::string_view type, std::string_view name, std::span<const std::string> inputs,
             std::vector<Message> attributes) {
  Message result;
  for (const std::string& input : inputs) result.text(1, input);
  result.text(2, name);
  result.text(3, name);
  result.text(4, type);
  for (Message& attribute : attributes) result.message(5, std::move(attribute));
  return result;
}

Message model(GraphProto graph, const std::map<std::string, std::string>& metadata) {
  Message operators, result;
  operators.text(1, "");
  operators.integer(2, operator_set);
  result.integer(1, ir_version);
  result.text(2, "giemsa");
  result.text(3, GIEMSA_VERSION);
  result.message(7, graph.take());
  result.message(8, std::move(operators));
  for (const auto& [key, value] : metadata) {
    Message entry;
    entry.text(1, key);
    entry.text(2, value);
    result.message(14, std::move(entry));
  }
  return result;
}

}  // namespace giemsa::onnx
