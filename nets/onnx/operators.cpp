#include "nets/onnx/operators.h"

#include <algorithm>
#include <cmath>

namespace giemsa::onnx {

namespace {

using Attributes = std::vector<Message>;

Message pair(std::string_view name, Size2 size) {
  return attribute(name, std::array{size.h, size.w});
}

/// int8 rows times their scales; floats as fp32.
Tensor widened(const Weights& weights) {
  if (!weights.scale) return to_f32(weights.weight);
  const auto codes = weights.weight.as<std::int8_t>();
  const Tensor scales = to_f32(weights.scale);
  const std::size_t row = codes.size() / scales.as<float>().size();
  std::vector<float> values(codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) values[i] = codes[i] * scales.as<float>()[i / row];
  return Tensor::from(weights.weight.shape(), std::move(values));
}

/// Row i of {out,in}: the weights of adaptive average pooling's cell i along one axis.
Tensor averages(std::int64_t in, std::int64_t out, bool transposed) {
  std::vector<float> values(static_cast<std::size_t>(in * out), 0.0f);
  for (std::int64_t i = 0; i < out; ++i) {
    const std::int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
    for (std::int64_t j = begin; j < end; ++j)
      values[static_cast<std::size_t>(transposed ? j * out + i : i * in + j)] = 1.0f / static_cast<float>(end - begin);
  }
  return Tensor::from(transposed ? Shape{in, out} : Shape{out, in}, std::move(values));
}

/// {channels,1,k,k}: bilinear interpolation by a whole factor as a transposed convolution, k = 2 factor or one less.
Tensor interpolation(std::int64_t channels, Size2 factor, Size2 kernel) {
  const auto along = [](std::int64_t at, std::int64_t step, std::int64_t extent) {
    const float centre = static_cast<float>(extent - 1) / 2;
    return 1 - std::abs(static_cast<float>(at) - centre) / static_cast<float>(step);
  };
  std::vector<float> values;
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t y = 0; y < kernel.h; ++y)
      for (std::int64_t x = 0; x < kernel.w; ++x)
        values.push_back(along(y, factor.h, kernel.h) * along(x, factor.w, kernel.w));
  return Tensor::from(Shape{channels, 1, kernel.h, kernel.w}, std::move(values));
}

/// Writes one node of our graph; one function an op.
class Writer {
 public:
  Writer(GraphProto& proto, const Graph& graph, const Node& node) : proto_(proto), node_(node) {
    for (NodeId id : node.inputs) {
      inputs_.push_back(graph[id].name);
      shapes_.push_back(graph[id].output.shape);
    }
  }

  void operator()(const Input&) { proto_.input(value_info(node_.name, node_.output.shape)); }

  void operator()(const Conv2d& op) {
    check(!node_.weights.norm && !op.residual && op.activation == Activation::none, ErrorKind::internal, node_.name,
          ": a fused convolution has no ONNX twin");
    std::vector inputs{inputs_[0], constant("weight", widened(node_.weights))};
    if (node_.weights.bias) inputs.push_back(constant("bias", to_f32(node_.weights.bias)));
    result("Conv", inputs,
           with(pair("kernel_shape", op.kernel), pair("strides", op.stride), pair("dilations", op.dilation),
                attribute("group", op.groups), pads(op.padding, op.padding)));
  }

  void operator()(const BatchNorm& op) {
    const Weights& weights = node_.weights;
    result(
        "BatchNormalization",
        {inputs_[0], constant("weight", to_f32(weights.weight)), constant("bias", to_f32(weights.bias)),
         constant("running_mean", to_f32(weights.running_mean)), constant("running_var", to_f32(weights.running_var))},
        with(attribute("epsilon", op.eps)));
  }

  void operator()(const Relu&) { result("Relu", inputs_); }

  void operator()(const Add& op) {
    check(op.activation == Activation::none, ErrorKind::internal, node_.name, ": a fused sum has no ONNX twin");
    result("Add", inputs_);
  }

  /// The windows that ceil_mode adds are spelled out as padding (which is -inf here as there): runtimes do not agree on
  /// ceil_mode.
  void operator()(const MaxPool& op) {
    const auto behind = [&](std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                            std::int64_t front) { return std::max(front, (out - 1) * stride + kernel - in - front); };
    const Shape &in = shapes_[0], &out = node_.output.shape;
    const Size2 end{behind(in[2], out[2], op.kernel.h, op.stride.h, op.padding.h),
                    behind(in[3], out[3], op.kernel.w, op.stride.w, op.padding.w)};
    result("MaxPool", inputs_,
           with(pair("kernel_shape", op.kernel), pair("strides", op.stride), pads(op.padding, end)));
  }

  /// Windows of equal size are AveragePool's; others are a product with averaging weights along each axis.
  void operator()(const AdaptiveAvgPool& op) {
    const Size2 in{shapes_[0][2], shapes_[0][3]}, out = op.output;
    if (out == Size2{1, 1}) return result("GlobalAveragePool", inputs_);
    if (out == in) return result("Identity", inputs_);
    if (in.h % out.h == 0 && in.w % out.w == 0) {
      const Size2 window{in.h / out.h, in.w / out.w};
      return result("AveragePool", inputs_, with(pair("kernel_shape", window), pair("strides", window)));
    }
    step("MatMul", "rows", {constant("row_averages", averages(in.h, out.h, false)), inputs_[0]});
    result("MatMul", {node_.name + "/rows", constant("column_averages", averages(in.w, out.w, true))});
  }

  void operator()(const Lrn& op) {
    result("LRN", inputs_,
           with(attribute("size", op.size), attribute("alpha", op.alpha), attribute("beta", op.beta),
                attribute("bias", op.k)));
  }

  void operator()(const Flatten&) { result("Flatten", inputs_, with(attribute("axis", std::int64_t{1}))); }

  void operator()(const Linear& op) {
    check(op.activation == Activation::none, ErrorKind::internal, node_.name, ": a fused layer has no ONNX twin");
    result("Gemm",
           {inputs_[0], constant("weight", widened(node_.weights)), constant("bias", to_f32(node_.weights.bias))},
           with(attribute("transB", std::int64_t{1})));
  }

  void operator()(const Softmax&) { result("Softmax", inputs_, with(attribute("axis", std::int64_t{1}))); }

  void operator()(const Concat&) { result("Concat", inputs_, with(attribute("axis", std::int64_t{1}))); }

  void operator()(const Upsample& op) {
    const Size2 in{shapes_[0][2], shapes_[0][3]};
    if (op.edge == EdgeMode::zero && !op.align_corners) return transposed_convolution(op, in);
    const Attributes how = with(attribute("mode", std::string_view("linear")),
                                attribute("coordinate_transformation_mode",
                                          std::string_view(op.align_corners ? "align_corners" : "half_pixel")));
    if (op.output.h % in.h == 0 && op.output.w % in.w == 0) {
      const std::vector<float> scales{1, 1, static_cast<float>(op.output.h / in.h),
                                      static_cast<float>(op.output.w / in.w)};
      return result("Resize", {inputs_[0], "", constant("scales", Tensor::from(Shape{4}, scales))}, how);
    }
    // A factor that is no whole number would round: the size says it exactly, but has to name the batch too.
    step("Shape", "shape", {inputs_[0]});
    step("Slice", "batch", {node_.name + "/shape", constant("begin", integers({0})), constant("end", integers({1}))});
    step("Concat", "size",
         {node_.name + "/batch", constant("extents", integers({shapes_[0][1], op.output.h, op.output.w}))},
         with(attribute("axis", std::int64_t{0})));
    result("Resize", {inputs_[0], "", "", node_.name + "/size"}, how);
  }

  template <class Other>
  void operator()(const Other&) {
    fail(ErrorKind::internal, node_.name, ": ", name_of(node_.op), " is no part of a network and has no ONNX twin");
  }

 private:
  static Tensor integers(std::vector<std::int64_t> values) {
    const auto count = static_cast<std::int64_t>(values.size());
    return Tensor::from(DType::i64, Shape{count}, std::move(values));
  }

  template <class... Parts>
  static Attributes with(Parts... parts) {
    Attributes result;
    (result.push_back(std::move(parts)), ...);
    return result;
  }

  static Message pads(Size2 front, Size2 behind) {
    return attribute("pads", std::array{front.h, front.w, behind.h, behind.w});
  }

  /// MATLAB's fixed deconvolution, which is what edge = zero means.
  void transposed_convolution(const Upsample& op, Size2 in) {
    check(op.output.h % in.h == 0 && op.output.w % in.w == 0, ErrorKind::internal, node_.name,
          ": a fixed upsampling by a fraction");
    const Size2 factor{op.output.h / in.h, op.output.w / in.w};
    const Size2 kernel{2 * factor.h - factor.h % 2, 2 * factor.w - factor.w % 2};
    const Size2 padding{(kernel.h - factor.h) / 2, (kernel.w - factor.w) / 2};
    const std::int64_t channels = shapes_[0][1];
    result("ConvTranspose", {inputs_[0], constant("interpolation", interpolation(channels, factor, kernel))},
           with(pair("kernel_shape", kernel), pair("strides", factor), attribute("group", channels),
                pads(padding, padding)));
  }

  /// Adds a constant of this layer; returns its name.
  std::string constant(std::string_view role, const Tensor& tensor) {
    std::string name = cat(node_.name, '.', role);
    proto_.constant(onnx::constant(name, tensor));
    return name;
  }

  void step(std::string_view type, std::string_view name, const std::vector<std::string>& inputs, Attributes how = {}) {
    proto_.node(onnx::node(type, cat(node_.name, '/', name), inputs, std::move(how)));
  }

  void result(std::string_view type, const std::vector<std::string>& inputs, Attributes how = {}) {
    proto_.node(onnx::node(type, node_.name, inputs, std::move(how)));
  }

  GraphProto& proto_;
  const Node& node_;
  std::vector<std::string> inputs_;
  std::vector<Shape> shapes_;
};

}  // namespace

void append(GraphProto& proto, const Graph& graph, const Node& node) {
  std::visit(Writer(proto, graph, node), node.op);
}

}  // namespace giemsa::onnx
