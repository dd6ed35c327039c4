// What every op has to say of itself, checked where it costs one compilation.
#include "engine/ops/ops.h"

#include <concepts>

namespace giemsa {
namespace {

/// What the engine has to know of an op. There are no defaults: an op that says nothing does not compile.
template <class T>
concept Operation = requires(const T& op, const ShapeCheck& check, const Signature& types, OnnxForm& form) {
  { T::name } -> std::convertible_to<std::string_view>;          ///< "conv2d"
  { op.text() } -> std::same_as<std::string>;                    ///< parameters for people: " 3x3/2 p1 relu"
  { op.infer(check) } -> std::same_as<std::vector<TensorType>>;  ///< the shape rule: types of the outputs
  { op.flops(types) } -> std::same_as<double>;                   ///< 2 per multiply-add
  { op.non_negative(true) } -> std::same_as<bool>;               ///< no element is below zero, if so of inputs
  { op.storage(types) } -> std::same_as<StorageRule>;            ///< which element types it reads and writes
  { op.to_onnx(form) } -> std::same_as<void>;                    ///< its operators there
};

#define GIEMSA_CHECK_OP(Op) static_assert(Operation<Op>, #Op " lacks something that the engine has to know");
GIEMSA_CHECK_OP(Input)
GIEMSA_OPS(GIEMSA_CHECK_OP)
#undef GIEMSA_CHECK_OP

}  // namespace

std::string_view name_of(const Op& op) {
  return std::visit([]<class T>(const T&) { return T::name; }, op);
}

std::string describe(const Op& op) {
  return std::string(name_of(op)) + std::visit([](const auto& which) { return which.text(); }, op);
}

}  // namespace giemsa
