// How an op says what it is in ONNX, without knowing how such files are written (nets/onnx does).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/ops/types.h"

namespace giemsa {

using OnnxAttribute =
    std::pair<std::string_view, std::variant<std::int64_t, float, std::string_view, std::vector<std::int64_t>>>;

inline OnnxAttribute onnx_pair(std::string_view name, Size2 size) {
  return {name, std::vector{size.h, size.w}};
}
inline OnnxAttribute onnx_pads(Size2 front, Size2 behind) {
  return {"pads", std::vector{front.h, front.w, behind.h, behind.w}};
}

/// Takes the operators and constants that a node becomes. An op that no network has refuses.
class OnnxForm {
 public:
  using Attributes = std::vector<OnnxAttribute>;
  virtual ~OnnxForm() = default;

  virtual const std::string& layer() const = 0;
  virtual std::span<const std::string> inputs() const = 0;  ///< names of the values that are read
  virtual Signature signature() const = 0;
  virtual const Weights& weights() const = 0;

  /// Declares the node's value as an input of the whole.
  virtual void declare_input() = 0;
  /// Adds a constant `<layer>.<role>`; returns its name.
  virtual std::string constant(std::string_view role, const Tensor& tensor) = 0;
  /// An operator between, whose result is called `<layer>/<name>`; returns that.
  virtual std::string step(std::string_view type, std::string_view name, const std::vector<std::string>& inputs,
                           Attributes how = {}) = 0;
  /// The operator whose result is the node's.
  virtual void result(std::string_view type, const std::vector<std::string>& inputs, Attributes how = {}) = 0;

  /// The one operator that the node becomes: it reads what the node reads.
  void becomes(std::string_view type, Attributes how = {}) {
    result(type, {inputs().begin(), inputs().end()}, std::move(how));
  }

  /// Throws Error(internal) that names the layer.
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... why) const {
    fail(ErrorKind::internal, layer(), ": ", why...);
  }
  /// For ops that passes make.
  [[noreturn]] void refuse_fused(std::string_view what) const { refuse("a fused ", what, " has no ONNX twin"); }
  /// For what surrounds networks.
  [[noreturn]] void refuse_outside(std::string_view op) const {
    refuse(op, " is no part of a network and has no ONNX twin");
  }
};

/// int8 rows times their scales; floats as fp32: a DequantizeLinear would keep the file small, but runtimes leave it in
/// place and redo it at every call.
Tensor widened(const Weights& weights);

}  // namespace giemsa
