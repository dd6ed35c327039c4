// The operations that a graph is made of. Each is a struct of its parameters with all that the engine has to know of
// it, in a file of its own; a new one is one line here. Tensors are logically NCHW; how a backend lays them out is its
// own affair. A frame is u8 {1,H,W,3} (RGB, interleaved), as images come.
#pragma once

#include <concepts>

#include "engine/ops/adaptive_avg_pool.h"
#include "engine/ops/add.h"
#include "engine/ops/aspp_depthwise.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/clean_label_measure.h"
#include "engine/ops/clean_mask.h"
#include "engine/ops/components.h"
#include "engine/ops/concat.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/crop_resize.h"
#include "engine/ops/flatten.h"
#include "engine/ops/input.h"
#include "engine/ops/linear.h"
#include "engine/ops/lrn.h"
#include "engine/ops/max_pool.h"
#include "engine/ops/max_unpool.h"
#include "engine/ops/preprocess.h"
#include "engine/ops/relu.h"
#include "engine/ops/separable_conv2d.h"
#include "engine/ops/softmax.h"
#include "engine/ops/threshold.h"
#include "engine/ops/upsample.h"

/// Every op but Input: GIEMSA_OPS(X) is X(Conv2d) X(SeparableConv2d) ...
#define GIEMSA_OPS(X)  \
  X(Conv2d)            \
  X(SeparableConv2d)   \
  X(AsppDepthwise)     \
  X(BatchNorm)         \
  X(Relu)              \
  X(Add)               \
  X(MaxPool)           \
  X(MaxPoolIndices)    \
  X(MaxUnpool)         \
  X(AdaptiveAvgPool)   \
  X(Lrn)               \
  X(Flatten)           \
  X(Linear)            \
  X(Softmax)           \
  X(Concat)            \
  X(Upsample)          \
  X(Threshold)         \
  X(UpsampleThreshold) \
  X(Preprocess)        \
  X(FillHoles)         \
  X(AreaOpen)          \
  X(Components)        \
  X(CleanLabelMeasure) \
  X(ResizeLabels)      \
  X(Regions)           \
  X(CropResize)

namespace giemsa {

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

#define GIEMSA_COMMA_OP(Op) , Op
using Op = std::variant<Input GIEMSA_OPS(GIEMSA_COMMA_OP)>;
#undef GIEMSA_COMMA_OP

#define GIEMSA_CHECK_OP(Op) static_assert(Operation<Op>, #Op " lacks something that the engine has to know");
GIEMSA_CHECK_OP(Input)
GIEMSA_OPS(GIEMSA_CHECK_OP)
#undef GIEMSA_CHECK_OP

/// "conv2d", "batch_norm", ...
inline std::string_view name_of(const Op& op) {
  return std::visit([]<class T>(const T&) { return T::name; }, op);
}

/// "conv2d 3x3/2 p1 relu"
inline std::string describe(const Op& op) {
  return std::string(name_of(op)) + std::visit([](const auto& which) { return which.text(); }, op);
}

}  // namespace giemsa
