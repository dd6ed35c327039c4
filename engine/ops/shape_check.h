// What a shape rule has at hand: the inputs' types, the constants, and the words of the error that a person sees where
// a layer does not fit.
#pragma once

#include "engine/ops/types.h"

namespace giemsa {

class ShapeCheck {
 public:
  ShapeCheck(std::string_view layer, std::string_view op, std::span<const TensorType> inputs,
             std::span<const Weights> weights)
      : layer_(layer), op_(op), inputs_(inputs), weights_(weights) {}

  std::span<const TensorType> inputs() const { return inputs_; }
  /// The constants of the i-th layer of the node; none where there are none.
  const Weights& weights(std::size_t i = 0) const {
    static const Weights none;
    return i < weights_.size() ? weights_[i] : none;
  }

  /// The check of the i-th layer of a fused op alone, and of that layer behind other inputs.
  ShapeCheck layer(std::size_t i) const { return {layer_, op_, inputs_, {&weights(i), 1}}; }
  ShapeCheck with_inputs(std::span<const TensorType> inputs) const { return {layer_, op_, inputs, weights_}; }

  /// Throws Error(model), naming layer and op.
  template <class... Parts>
  [[noreturn]] void reject(const Parts&... parts) const {
    fail(ErrorKind::model, "layer ", layer_, " (", op_, "): ", parts...);
  }
  template <class... Parts>
  void require(bool ok, const Parts&... parts) const {
    if (!ok) [[unlikely]]
      reject(parts...);
  }

  void arity(std::size_t count) const {
    require(inputs_.size() == count, "takes ", count, " inputs, has ", inputs_.size());
  }

  /// The shape of an input that networks compute with, of rank 4 {N,C,H,W} or 2 {N,K}.
  const Shape& network_tensor(std::size_t i, int rank) const {
    require(i < inputs_.size(), "input ", i, " is missing");
    require(inputs_[i].dtype == DType::f32 && inputs_[i].shape.rank() == rank, "input ", i, " must be fp32 of rank ",
            rank, ", is ", inputs_[i].dtype, " ", inputs_[i].shape);
    return inputs_[i].shape;
  }

  void frame(std::size_t i) const {
    require(i < inputs_.size(), "the frame is missing");
    const auto& [dtype, shape] = inputs_[i];
    require(dtype == DType::u8 && shape.rank() == 4 && shape[0] == 1 && shape[3] == 3 && shape[1] > 0 && shape[2] > 0,
            "the frame must be uint8 {1,H,W,3}, is ", dtype, " ", shape);
  }

  void positive(Size2 output) const { require(output.h > 0 && output.w > 0, "output must be positive"); }

  /// Logits {1,C,h,w} -> mask u8 {1,1,output}.
  std::vector<TensorType> mask(const Shape& logits, Size2 output, float threshold, std::uint64_t cells) const {
    require(logits[0] == 1, "masks are made of one image at a time, not of ", logits[0]);
    positive(output);
    require(threshold > 0 && threshold < 1, "threshold must lie between 0 and 1, is ", threshold);
    const std::int64_t classes = logits[1];
    require(classes <= 64, "a mask is made of at most 64 classes, these are ", classes);
    const std::uint64_t all = classes == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << classes) - 1;
    require(classes == 1 || ((cells & all) != 0 && (cells & all) != all), "some of the ", classes,
            " classes must be cells, and some not");
    return {{DType::u8, {1, 1, output.h, output.w}}};
  }

  /// A plane {1,1,H,W} of one type, as a plane of another.
  TensorType plane(DType from, DType to) const {
    arity(1);
    const auto& [dtype, shape] = inputs_[0];
    require(dtype == from && shape.rank() == 4 && shape[0] == 1 && shape[1] == 1, "takes ", from,
            " {1,1,H,W}, is given ", dtype, " ", shape);
    return {to, shape};
  }

  void expect_weight(std::string_view role, const Tensor& tensor, const Shape& expected) const {
    require(static_cast<bool>(tensor), role, " is missing, expected shape ", expected);
    require(tensor.shape() == expected, role, " has shape ", tensor.shape(), ", expected ", expected);
  }

  /// How many windows fit.
  std::int64_t window(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                      std::int64_t dilation) const {
    const std::int64_t span = in + 2 * padding - (dilation * (kernel - 1) + 1);
    require(span >= 0, "input of ", in, " is smaller than the kernel's reach of ", dilation * (kernel - 1) + 1,
            " with padding ", padding);
    return span / stride + 1;
  }

  std::int64_t pool_window(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                           bool ceil) const {
    const std::int64_t floor_count = window(in, kernel, stride, padding, 1);
    const bool partial = (in + 2 * padding - kernel) % stride != 0;
    // PyTorch drops a last window that would start in the right padding.
    const bool starts_inside = floor_count * stride < in + padding;
    return floor_count + (ceil && partial && starts_inside ? 1 : 0);
  }

 private:
  std::string_view layer_, op_;
  std::span<const TensorType> inputs_;
  std::span<const Weights> weights_;
};

}  // namespace giemsa
