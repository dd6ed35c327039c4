// The messages of onnx.proto3 that a model is made of, with their field numbers (github.com/onnx/onnx).
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "nets/onnx/protobuf.h"

namespace giemsa::onnx {

/// The oldest operator set that has all that the networks take, with the file format that came with it: every reader of
/// the last years understands it.
constexpr std::int64_t operator_set = 13, ir_version = 7;

enum class ElementType : std::int32_t { f32 = 1, i64 = 7 };

/// What the batch extent is called; all others are numbers.
constexpr const char* batch_name = "batch";

Message attribute(std::string_view name, std::int64_t value);
Message attribute(std::string_view name, float value);
Message attribute(std::string_view name, std::string_view value);
Message attribute(std::string_view name, std::span<const std::int64_t> values);

/// A named constant: fp32 of any shape, or int64.
Message constant(std::string_view name, const Tensor& tensor);

/// Name and type of an fp32 value whose first extent is the batch.
Message value_info(std::string_view name, const Shape& shape);

/// One operator application; the result carries the node's name.
Message node(std::string_view type, std::string_view name, std::span<const std::string> inputs,
             std::vector<Message> attributes);

/// GraphProto, field by field.
class GraphProto {
 public:
  explicit GraphProto(std::string_view name) { message_.text(2, name); }
  void node(Message part) { message_.message(1, std::move(part)); }
  void constant(Message part) { message_.message(5, std::move(part)); }
  void input(Message part) { message_.message(11, std::move(part)); }
  void output(Message part) { message_.message(12, std::move(part)); }
  void value(Message part) { message_.message(13, std::move(part)); }
  Message take() { return std::move(message_); }

 private:
  Message message_;
};

/// ModelProto: the whole file.
Message model(GraphProto graph, const std::map<std::string, std::string>& metadata);

}  // namespace giemsa::onnx
