// The shape rule of every op: what it accepts, what it makes, and the error a person sees where a layer does not fit.
#include "engine/graph.h"

namespace giemsa {

namespace {

/// One node under inspection: the inputs' types and the words of its errors.
class Rule {
 public:
  Rule(const Node& node, std::span<const TensorType> inputs) : node_(node), inputs_(inputs) {}

  TensorType operator()(const Input&) const { reject("an input is not added as an op"); }

  TensorType operator()(const Conv2d& op) const {
    const Shape& in = network_tensor(0, 4);
    require(op.kernel.h > 0 && op.kernel.w > 0 && op.stride.h > 0 && op.stride.w > 0 && op.dilation.h > 0 &&
                op.dilation.w > 0 && op.padding.h >= 0 && op.padding.w >= 0 && op.groups > 0 && op.out_channels > 0,
            "kernel, stride, dilation, groups and out_channels must be positive");
    require(in[1] % op.groups == 0 && op.out_channels % op.groups == 0, in[1], " -> ", op.out_channels,
            " channels do not divide into ", op.groups, " groups");
    expect_weight("weight", node_.weights.weight, {op.out_channels, in[1] / op.groups, op.kernel.h, op.kernel.w});
    if (node_.weights.bias) expect_weight("bias", node_.weights.bias, {op.out_channels});
    const Shape out{in[0], op.out_channels, window(in[2], op.kernel.h, op.stride.h, op.padding.h, op.dilation.h),
                    window(in[3], op.kernel.w, op.stride.w, op.padding.w, op.dilation.w)};
    arity(op.residual ? 2 : 1);
    if (op.residual) {
      const Shape& residual = network_tensor(1, 4);
      require(residual == out, "residual ", residual, " does not match the convolution's output ", out);
    }
    return {DType::f32, out};
  }

  TensorType operator()(const BatchNorm& op) const {
    const Shape& in = network_tensor(0, 4);
    arity(1);
    require(op.eps > 0, "eps must be positive, is ", op.eps);
    expect_weight("weight", node_.weights.weight, {in[1]});
    expect_weight("bias", node_.weights.bias, {in[1]});
    expect_weight("running_mean", node_.weights.running_mean, {in[1]});
    expect_weight("running_var", node_.weights.running_var, {in[1]});
    return {DType::f32, in};
  }

  TensorType operator()(const Relu&) const {
    arity(1);
    return inputs_[0];
  }

  TensorType operator()(const Add&) const {
    arity(2);
    require(inputs_[0] == inputs_[1], "cannot add ", inputs_[0].shape, " and ", inputs_[1].shape);
    return inputs_[0];
  }

  TensorType operator()(const MaxPool& op) const {
    const Shape& in = network_tensor(0, 4);
    arity(1);
    require(op.kernel.h > 0 && op.kernel.w > 0 && op.stride.h > 0 && op.stride.w > 0,
            "kernel and stride must be positive");
    require(op.padding.h * 2 <= op.kernel.h && op.padding.w * 2 <= op.kernel.w, "padding exceeds half the kernel");
    return {DType::f32,
            {in[0], in[1], pool_window(in[2], op.kernel.h, op.stride.h, op.padding.h, op.ceil_mode),
             pool_window(in[3], op.kernel.w, op.stride.w, op.padding.w, op.ceil_mode)}};
  }

  TensorType operator()(const AdaptiveAvgPool& op) const {
    const Shape& in = network_tensor(0, 4);
    arity(1);
    require(op.output.h > 0 && op.output.w > 0, "output must be positive");
    return {DType::f32, {in[0], in[1], op.output.h, op.output.w}};
  }

  TensorType operator()(const Lrn& op) const {
    const Shape& in = network_tensor(0, 4);
    arity(1);
    require(op.size > 0 && op.size % 2 == 1, "size must be odd, is ", op.size);
    return {DType::f32, in};
  }

  TensorType operator()(const Flatten&) const {
    const Shape& in = network_tensor(0, 4);
    arity(1);
    return {DType::f32, {in[0], in[1] * in[2] * in[3]}};
  }

  TensorType operator()(const Linear& op) const {
    const Shape& in = network_tensor(0, 2);
    arity(1);
    require(op.out_features > 0, "out_features must be positive");
    expect_weight("weight", node_.weights.weight, {op.out_features, in[1]});
    if (node_.weights.bias) expect_weight("bias", node_.weights.bias, {op.out_features});
    if (node_.weights.weight.dtype() == DType::i8)
      expect_weight("weight_scale", node_.weights.scale, {op.out_features});
    return {DType::f32, {in[0], op.out_features}};
  }

  TensorType operator()(const Softmax&) const {
    const Shape& in = network_tensor(0, 2);
    arity(1);
    return {DType::f32, in};
  }

  TensorType operator()(const Concat&) const {
    require(!inputs_.empty(), "nothing to concatenate");
    const Shape& first = network_tensor(0, 4);
    std::int64_t channels = 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const Shape& in = network_tensor(i, 4);
      require(in[0] == first[0] && in[2] == first[2] && in[3] == first[3], "cannot concatenate ", first, " and ", in,
              " along channels");
      channels += in[1];
    }
    return {DType::f32, {first[0], channels, first[2], first[3]}};
  }

  TensorType operator()(const Upsample& op) const {
    const Shape& in = network_tensor(0, 4);
    arity(1);
    require(op.output.h > 0 && op.output.w > 0, "output must be positive");
    require(op.edge == EdgeMode::clamp || !op.align_corners, "a zero edge goes with align_corners = false");
    return {DType::f32, {in[0], in[1], op.output.h, op.output.w}};
  }

  TensorType operator()(const Threshold& op) const {
    const Shape& in = network_tensor(0, 4);
    arity(1);
    return mask(in, {in[2], in[3]}, op.threshold);
  }

  TensorType operator()(const UpsampleThreshold& op) const {
    const Shape& in = network_tensor(0, 4);
    arity(1);
    return mask(in, op.output, op.threshold);
  }

  TensorType operator()(const Preprocess& op) const {
    frame(0);
    arity(1);
    require(op.output.h > 0 && op.output.w > 0, "output must be positive");
    return {DType::f32, {1, 3, op.output.h, op.output.w}};
  }

  TensorType operator()(const FillHoles&) const { return plane_to_plane(DType::u8, DType::u8); }
  TensorType operator()(const AreaOpen& op) const {
    require(op.min_area >= 0, "min_area must not be negative, is ", op.min_area);
    return plane_to_plane(DType::u8, DType::u8);
  }
  TensorType operator()(const Components&) const { return plane_to_plane(DType::u8, DType::i32); }
  TensorType operator()(const CleanAndLabel& op) const {
    require(op.min_area >= 0, "min_area must not be negative, is ", op.min_area);
    return plane_to_plane(DType::u8, DType::i32);
  }
  TensorType operator()(const ResizeLabels& op) const {
    plane_to_plane(DType::i32, DType::i32);
    require(op.output.h > 0 && op.output.w > 0, "output must be positive");
    return {DType::i32, {1, 1, op.output.h, op.output.w}};
  }

  TensorType operator()(const Regions& op) const {
    plane_to_plane(DType::i32, DType::i32);
    require(op.capacity >= 0, "capacity must not be negative");
    return {DType::i32, {1 + op.capacity, 10}};
  }

  TensorType operator()(const CropResize& op) const {
    frame(0);
    arity(2);
    const TensorType& boxes = inputs_[1];
    require(boxes.dtype == DType::i32 && boxes.shape.rank() == 2 && boxes.shape[1] == 4,
            "boxes must be int32 {B,4}, are ", boxes.dtype, " ", boxes.shape);
    require(op.output.h > 0 && op.output.w > 0, "output must be positive");
    return {DType::f32, {boxes.shape[0], 3, op.output.h, op.output.w}};
  }

 private:
  template <class... Parts>
  [[noreturn]] void reject(const Parts&... parts) const {
    fail(ErrorKind::model, "layer ", node_.name, " (", name_of(node_.op), "): ", parts...);
  }
  template <class... Parts>
  void require(bool ok, const Parts&... parts) const {
    if (!ok) [[unlikely]]
      reject(parts...);
  }

  void arity(std::size_t count) const {
    require(inputs_.size() == count, "takes ", count, " inputs, has ", inputs_.size());
  }

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

  TensorType mask(const Shape& logits, Size2 output, float threshold) const {
    require(logits[0] == 1, "masks are made of one image at a time, not of ", logits[0]);
    require(output.h > 0 && output.w > 0, "output must be positive");
    require(threshold > 0 && threshold < 1, "threshold must lie between 0 and 1, is ", threshold);
    return {DType::u8, {1, 1, output.h, output.w}};
  }

  TensorType plane_to_plane(DType from, DType to) const {
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

  const Node& node_;
  std::span<const TensorType> inputs_;
};

}  // namespace

TensorType infer_type(const Node& node, std::span<const TensorType> inputs) {
  return std::visit(Rule(node, inputs), node.op);
}

}  // namespace giemsa
