// An ONNX file taken apart: a reader of its own, which shares nothing with the writer in nets/onnx/.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/tensor.h"

namespace giemsa::test {

struct OnnxNode {
  std::string name, type;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, std::vector<std::int64_t>> integers;  ///< attributes of type INT and INTS
  std::map<std::string, float> reals;
  std::map<std::string, std::string> texts;
};

struct OnnxModel {
  std::int64_t ir_version = 0, operator_set = 0;
  std::map<std::string, std::string> metadata;
  std::vector<OnnxNode> nodes;
  std::map<std::string, Tensor> constants;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, std::vector<std::string>> extents;  ///< by value: numbers and names, as text

  const OnnxNode& node(const std::string& name) const;
};

/// Fails the running test where the bytes are no ONNX file as protobuf's and ONNX's specifications have it, or hold a
/// field that a model of ours has no use for.
OnnxModel read_onnx(std::string_view file);

}  // namespace giemsa::test
