// The kernels of every op on the GPU but Conv2d's (steps_convolution.cpp).
#include "engine/cuda/steps.h"

#include <algorithm>
#include <limits>

#include "engine/cpu/resize.h"
#include "engine/region.h"
#include "kernels/components.h"
#include "kernels/crop_resize.h"
#include "kernels/labels.h"
#include "kernels/layout.h"
#include "kernels/linear.h"
#include "kernels/lrn.h"
#include "kernels/pointwise.h"
#include "kernels/pool.h"
#include "kernels/preprocess.h"
#include "kernels/softmax.h"
#include "kernels/upsample.h"
#include "kernels/upsample_map.h"

namespace giemsa::cuda {

static_assert(sizeof(kernels::ComponentRecord) == sizeof(Region) && sizeof(Region) == 40);

namespace {

using kernels::Half;

kernels::PointwiseParams pointwise(const Value* out, const Value* a, const Value* b, bool relu) {
  return {.pixels = a->pixels(),
          .channels = narrow(a->channels()),
          .first_pixel_stride = narrow(a->pixel_stride),
          .second_pixel_stride = b ? narrow(b->pixel_stride) : 0,
          .output_pixel_stride = narrow(out->pixel_stride),
          .relu = relu};
}

/// Makes the step of whichever op the node has.
struct Maker {
  StepBuilder& b;

  Step operator()(const Input&) const { return {}; }
  Step operator()(const Conv2d&) const { return convolution_step(b); }

  Step operator()(const BatchNorm&) const {
    const Value *in = b.input(0), *out = b.output();
    const LayerWeights weights = b.context.weights.affine(b.node);
    return with_type(in->dtype, [&]<class T>() -> Step {
      return [=, params = pointwise(out, in, nullptr, false)](Stream stream) {
        kernels::affine_pixels(out->as<T>(), in->as<T>(), weights.scale, weights.bias, params, stream);
      };
    });
  }

  Step operator()(const Relu&) const {
    const Value *in = b.input(0), *out = b.output();
    return with_type(in->dtype, [&]<class T>() -> Step {
      return [=, params = pointwise(out, in, nullptr, true)](Stream stream) {
        kernels::copy_pixels(out->as<T>(), in->as<T>(), params, stream);
      };
    });
  }

  Step operator()(const Add& op) const {
    const Value *x = b.input(0), *y = b.input(1), *out = b.output();
    return with_type(out->dtype, [&]<class T>() -> Step {
      return [=, params = pointwise(out, x, y, op.activation == Activation::relu)](Stream stream) {
        kernels::add_pixels(out->as<T>(), x->as<T>(), y->as<T>(), params, stream);
      };
    });
  }

  Step operator()(const MaxPool& op) const {
    const Value *in = b.input(0), *out = b.output();
    const kernels::MaxPoolParams params{
        .images = narrow(in->shape[0]),
        .channels = whole_vectors(in),
        .in = plane_of(*in),
        .out = plane_of(*out),
        .window = {extent_of(op.kernel), extent_of(op.stride), extent_of(op.padding), {1, 1}},
        .input_pixel_stride = narrow(in->pixel_stride),
        .output_pixel_stride = narrow(out->pixel_stride)};
    return with_type(in->dtype, [&]<class T>() -> Step {
      return [=](Stream stream) { kernels::max_pool(out->as<T>(), in->as<T>(), params, stream); };
    });
  }

  Step operator()(const AdaptiveAvgPool&) const {
    const Value *in = b.input(0), *out = b.output();
    const kernels::AveragePoolParams params{.images = narrow(in->shape[0]),
                                            .channels = whole_vectors(in),
                                            .in = plane_of(*in),
                                            .out = plane_of(*out),
                                            .input_pixel_stride = narrow(in->pixel_stride),
                                            .output_pixel_stride = narrow(out->pixel_stride)};
    return with_type(in->dtype, [&]<class T>() -> Step {
      return [=](Stream stream) { kernels::average_pool(out->as<T>(), in->as<T>(), params, stream); };
    });
  }

  Step operator()(const Lrn& op) const {
    const Value *in = b.input(0), *out = b.output();
    const kernels::LrnParams params{.pixels = in->pixels(),
                                    .channels = narrow(in->channels()),
                                    .size = narrow(op.size),
                                    .alpha = op.alpha,
                                    .beta = op.beta,
                                    .k = op.k,
                                    .input_pixel_stride = narrow(in->pixel_stride),
                                    .output_pixel_stride = narrow(out->pixel_stride)};
    return with_type(in->dtype, [&]<class T>() -> Step {
      return [=](Stream stream) { kernels::lrn(out->as<T>(), in->as<T>(), params, stream); };
    });
  }

  Step operator()(const Flatten&) const {
    const Value *in = b.input(0), *out = b.output();
    if (out->channels_last) return {};
    const kernels::LayoutParams params{.images = narrow(in->shape[0]),
                                       .channels = narrow(in->channels()),
                                       .map = plane_of(*in),
                                       .pixel_stride = narrow(in->pixel_stride),
                                       .image_stride = out->pixel_stride};
    return with_type(in->dtype, [&]<class T>() -> Step {
      return [=](Stream stream) { kernels::nhwc_to_nchw(out->as<T>(), in->as<T>(), params, stream); };
    });
  }

  Step operator()(const Linear& op) const {
    if (Step step = vendor_linear_step(b)) return step;
    const Value *in = b.input(0), *out = b.output();
    const Node& source = b.graph[b.node.inputs[0]];
    const Shape* picture = in->channels_last ? &b.graph[source.inputs[0]].output.shape : nullptr;
    const LayerWeights weights =
        b.context.weights.linear(b.node, out->pixel_stride, in->pixel_stride, picture, in->dtype);
    const kernels::LinearParams params{.samples = narrow(in->shape[0]),
                                       .in = narrow(in->pixel_stride),
                                       .out = narrow(out->pixel_stride),
                                       .relu = op.activation == Activation::relu};
    const auto run = [=]<class Y, class X, class W>() -> Step {
      return [=](Stream stream) {
        kernels::linear(out->as<Y>(), in->as<X>(), weights.weight_as<W>(), weights.scale, weights.bias, params, stream);
      };
    };
    const bool int8 = b.node.weights.weight.dtype() == DType::i8;
    if (in->dtype == DType::f32)
      return int8 ? run.template operator()<float, float, std::int8_t>()
                  : run.template operator()<float, float, float>();
    return with_type(out->dtype, [&]<class Y>() {
      return int8 ? run.template operator()<Y, Half, std::int8_t>() : run.template operator()<Y, Half, Half>();
    });
  }

  Step operator()(const Softmax&) const {
    const Value *in = b.input(0), *out = b.output();
    const kernels::SoftmaxParams params{
        .rows = narrow(in->shape[0]), .columns = narrow(in->shape[1]), .input_stride = narrow(in->pixel_stride)};
    return with_type(in->dtype, [&]<class T>() -> Step {
      return [=](Stream stream) { kernels::softmax(out->as<float>(), in->as<T>(), params, stream); };
    });
  }

  /// Copies only the inputs that no pass gave a place in the result.
  Step operator()(const Concat&) const {
    const Value* out = b.output();
    std::vector<Step> copies;
    std::int64_t channel = 0;
    for (std::size_t i = 0; i < b.node.inputs.size(); ++i) {
      const Value* in = b.input(i);
      if (in->block != out->block)
        copies.push_back(with_type(out->dtype, [&]<class T>() -> Step {
          return [=, params = pointwise(out, in, nullptr, false)](Stream stream) {
            kernels::copy_pixels(out->as<T>() + channel, in->as<T>(), params, stream);
          };
        }));
      channel += in->channels();
    }
    if (copies.empty()) return {};
    return [copies](Stream stream) {
      for (const Step& copy : copies) copy(stream);
    };
  }

  Step operator()(const Upsample& op) const {
    const Value *in = b.input(0), *out = b.output();
    const kernels::UpsampleParams params{.images = narrow(in->shape[0]),
                                         .channels = narrow(in->channels()),
                                         .in = plane_of(*in),
                                         .out = plane_of(*out),
                                         .align_corners = op.align_corners,
                                         .zero_outside = op.edge == EdgeMode::zero,
                                         .input_pixel_stride = narrow(in->pixel_stride),
                                         .output_pixel_stride = narrow(out->pixel_stride)};
    return with_type(in->dtype, [&]<class T>() -> Step {
      return [=](Stream stream) { kernels::upsample(out->as<T>(), in->as<T>(), params, stream); };
    });
  }

  Step operator()(const Threshold& op) const {
    return mask({plane_size(b.input(0)), false, op.threshold});  // enlarged to its own size
  }
  Step operator()(const UpsampleThreshold& op) const { return mask(op); }

  Step operator()(const Preprocess& op) const {
    const Value *in = b.input(0), *out = b.output();
    const Size2 size{in->shape[1], in->shape[2]};
    std::vector<std::byte> memory(cpu::resize_plan_bytes(size, op.output, op.filter));
    cpu::Scratch scratch(memory);
    const cpu::ResizePlan plan = cpu::plan_resize(size, op.output, op.filter, scratch);
    const AxisTables x = tables_of(plan.x), y = tables_of(plan.y);
    kernels::PreprocessParams params{.x = x.axis,
                                     .y = y.axis,
                                     .vertical_first = plan.vertical_first,
                                     .output_pixel_stride = narrow(out->pixel_stride)};
    std::copy(op.mean.begin(), op.mean.end(), params.mean);
    std::copy(op.std.begin(), op.std.end(), params.std);
    return with_type(out->dtype, [&]<class T>() -> Step {
      return [=, tables = std::pair(x.memory, y.memory)](Stream stream) {
        kernels::preprocess(out->as<T>(), in->as<std::uint8_t>(), params, stream);
      };
    });
  }

  Step operator()(const CropResize& op) const {
    const Value *frame = b.input(0), *boxes = b.input(1), *out = b.output();
    kernels::CropResizeParams params{
        .boxes = narrow(boxes->shape[0]),
        .frame = {narrow(frame->shape[1]), narrow(frame->shape[2])},
        .out = extent_of(op.output),
        .grow = op.mode == CropMode::matlab,
        .filter = op.filter == ResizeFilter::bicubic ? kernels::CropFilter::bicubic : kernels::CropFilter::bilinear,
        .output_pixel_stride = narrow(out->pixel_stride)};
    std::copy(op.mean.begin(), op.mean.end(), params.mean);
    std::copy(op.std.begin(), op.std.end(), params.std);
    const Value* tables = b.scratch(kernels::workspace_bytes(params));
    return with_type(out->dtype, [&]<class T>() -> Step {
      return [=](Stream stream) {
        kernels::crop_resize(out->as<T>(), tables->data, frame->as<std::uint8_t>(), boxes->as<kernels::CropBox>(),
                             params, stream);
      };
    });
  }

  Step operator()(const FillHoles&) const { reject(); }
  Step operator()(const AreaOpen&) const { reject(); }
  Step operator()(const Components&) const { reject(); }

  Step operator()(const CleanAndLabel& op) const {
    const Value *mask = b.input(0), *labels = b.output();
    const std::int64_t least = std::clamp<std::int64_t>(op.min_area, 1, std::numeric_limits<int>::max());
    kernels::ComponentsParams params{
        .h = narrow(mask->shape[2]), .w = narrow(mask->shape[3]), .min_area = static_cast<int>(least)};
    const std::vector<NodeId> regions = b.made_along();
    params.capacity =
        regions.empty() ? kernels::max_components(params) : std::get<Regions>(b.graph[regions.front()].op).capacity;
    const Value* table =
        regions.empty() ? b.scratch(sizeof(kernels::ComponentCount) * static_cast<std::size_t>(1 + params.capacity))
                        : b.value(regions.front());
    const Value* clean = b.scratch(static_cast<std::size_t>(mask->shape.volume()));
    const Value* workspace = b.scratch(kernels::workspace_bytes(params));
    return [=](Stream stream) {
      kernels::clean_and_label(clean->as<std::uint8_t>(), labels->as<std::int32_t>(),
                               table->as<kernels::ComponentCount>(), workspace->data, mask->as<std::uint8_t>(), params,
                               stream);
    };
  }

  Step operator()(const ResizeLabels&) const {
    return [in = b.input(0), out = b.output()](Stream stream) {
      kernels::resize_labels(out->as<std::int32_t>(), in->as<std::int32_t>(), plane_of(*in), plane_of(*out), stream);
    };
  }

  Step operator()(const Regions& op) const {
    if (b.is_made_before()) return {};
    return [labels = b.input(0), out = b.output(), op](Stream stream) {
      kernels::measure_labels(out->as<kernels::ComponentCount>(), labels->as<std::int32_t>(), plane_of(*labels),
                              op.capacity, stream);
    };
  }

 private:
  [[noreturn]] void reject() const {
    fail(ErrorKind::model, "layer ", b.node.name,
         ": the GPU fills holes, drops small components and labels the others in one step, not apart");
  }

  int whole_vectors(const Value* value) const {
    const std::int64_t n = layout_rules(b.context.precision).channel_alignment;
    return narrow((value->channels() + n - 1) / n * n);
  }

  static Size2 plane_size(const Value* value) { return {value->shape[2], value->shape[3]}; }

  Step mask(const UpsampleThreshold& op) const {
    const Value *logits = b.input(0), *out = b.output();
    const kernels::UpsampleThresholdParams params{.channels = narrow(logits->channels()),
                                                  .pixel_stride = narrow(logits->pixel_stride),
                                                  .in_h = narrow(logits->shape[2]),
                                                  .in_w = narrow(logits->shape[3]),
                                                  .out_h = narrow(op.output.h),
                                                  .out_w = narrow(op.output.w),
                                                  .align_corners = op.align_corners,
                                                  .threshold = op.threshold};
    return with_type(logits->dtype, [&]<class T>() -> Step {
      return [=](Stream stream) {
        const T* from = logits->as<T>();
        kernels::upsample_threshold(out->as<std::uint8_t>(), from, params, stream);
      };
    });
  }

  struct AxisTables {
    kernels::ResampleAxis axis;
    std::shared_ptr<const std::int32_t> memory;  ///< what `axis` points into
  };

  AxisTables tables_of(const cpu::ResizeAxis& axis) const {
    const auto outputs = static_cast<std::size_t>(axis.out);
    std::vector<std::int32_t> all(axis.first, axis.first + outputs);
    all.insert(all.end(), axis.count, axis.count + outputs);
    all.insert(all.end(), axis.weight, axis.weight + outputs * static_cast<std::size_t>(axis.stride));
    const auto memory = b.constants(all);
    return {{.in = axis.in,
             .out = axis.out,
             .stride = axis.stride,
             .first = memory.get(),
             .count = memory.get() + outputs,
             .weight = memory.get() + 2 * outputs},
            memory};
  }
};

}  // namespace

LayoutRules layout_rules(DType precision) {
  constexpr std::int64_t vector_bytes = 16;
  return {.precision = precision,
          .channel_alignment = vector_bytes / static_cast<std::int64_t>(size_of(precision)),
          .row_alignment = vector_bytes,  // of int8 weights
          .uniform = true};
}

std::vector<NodeId> StepBuilder::made_along() const {
  std::vector<NodeId> others;
  for (std::size_t later = index_of(id) + 1; later < layout_.made_with.size(); ++later)
    if (layout_.made_with[later] == id) others.push_back(NodeId{static_cast<std::int32_t>(later)});
  return others;
}

const Value* StepBuilder::scratch(std::size_t bytes) {
  const int step = static_cast<int>(index_of(id));
  layout_.blocks.push_back({node.value + " (scratch)", bytes, step, step});
  Value value;
  value.dtype = DType::u8;
  value.shape = Shape{static_cast<std::int64_t>(bytes)};
  value.block = static_cast<int>(layout_.blocks.size() - 1);
  return &scratch_.emplace_back(value);
}

std::shared_ptr<const void> StepBuilder::upload(const void* values, std::size_t bytes) {
  std::shared_ptr<void> memory = device_memory(bytes);
  const OwnedStream stream;
  copy(memory.get(), values, bytes, stream.get());
  synchronise(stream.get());
  return memory;
}

Step StepBuilder::build() {
  return std::visit(Maker{*this}, node.op);
}

}  // namespace giemsa::cuda
