// What surrounds networks, on the GPU: from frames and boxes to their inputs, from logits to masks, labels and regions.
#include <algorithm>
#include <limits>

#include "engine/base/region.h"
#include "engine/cuda/steps.h"
#include "kernels/components.h"
#include "kernels/cpu/imaging/resize.h"
#include "kernels/crop_resize.h"
#include "kernels/labels.h"
#include "kernels/preprocess.h"
#include "kernels/upsample.h"

namespace giemsa::cuda {

static_assert(sizeof(kernels::ComponentRecord) == sizeof(Region) && sizeof(Region) == 40);

namespace {

constexpr std::string_view one_step = "holes are filled, small components dropped and the others labelled in one step";

Step mask_step(StepBuilder& b, const UpsampleThreshold& op) {
  const Buffer *logits = b.input(0), *out = b.output();
  const kernels::UpsampleThresholdParams params{.channels = narrow(logits->channels()),
                                                .pixel_stride = narrow(logits->pixel_stride),
                                                .in_h = narrow(logits->shape[2]),
                                                .in_w = narrow(logits->shape[3]),
                                                .out_h = narrow(op.output.h),
                                                .out_w = narrow(op.output.w),
                                                .align_corners = op.align_corners,
                                                .threshold = op.threshold,
                                                .cells = op.cells};
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

AxisTables tables_of(StepBuilder& b, const kernels::cpu::ResizeAxis& axis) {
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
}  // namespace

Step step_of(StepBuilder& b, const Threshold& op) {
  const Size2 size{b.input()->shape[2], b.input()->shape[3]};
  return mask_step(b, {size, false, op.threshold, op.cells});  // enlarged to its own size
}

Step step_of(StepBuilder& b, const UpsampleThreshold& op) {
  return mask_step(b, op);
}

Step step_of(StepBuilder& b, const Preprocess& op) {
  const Buffer *in = b.input(0), *out = b.output();
  const kernels::cpu::Extent from{in->shape[1], in->shape[2]}, to{op.output.h, op.output.w};
  const auto filter =
      op.filter == ResizeFilter::bicubic ? kernels::cpu::ResizeFilter::bicubic : kernels::cpu::ResizeFilter::bilinear;
  std::vector<std::byte> memory(kernels::cpu::resize_plan_bytes(from, to, filter));
  kernels::cpu::Scratch scratch(memory);
  const kernels::cpu::ResizePlan plan = kernels::cpu::plan_resize(from, to, filter, scratch);
  const AxisTables x = tables_of(b, plan.x), y = tables_of(b, plan.y);
  kernels::PreprocessParams params{.x = x.axis,
                                   .y = y.axis,
                                   .vertical_first = plan.vertical_first,
                                   .output_pixel_stride = narrow(out->pixel_stride)};
  std::copy(op.mean.begin(), op.mean.end(), params.mean);
  std::copy(op.std.begin(), op.std.end(), params.std);
  params.bgr = op.channels == ChannelOrder::bgr;
  return with_type(out->dtype, [&]<class T>() -> Step {
    return [=, tables = std::pair(x.memory, y.memory)](Stream stream) {
      kernels::preprocess(out->as<T>(), in->as<std::uint8_t>(), params, stream);
    };
  });
}

Step step_of(StepBuilder& b, const CropResize& op) {
  const Buffer *frame = b.input(0), *boxes = b.input(1), *out = b.output();
  kernels::CropResizeParams params{
      .boxes = narrow(boxes->shape[0]),
      .frame = {narrow(frame->shape[1]), narrow(frame->shape[2])},
      .out = extent_of(op.output),
      .grow = op.mode == CropMode::matlab,
      .filter = op.filter == ResizeFilter::bicubic ? kernels::CropFilter::bicubic : kernels::CropFilter::bilinear,
      .output_pixel_stride = narrow(out->pixel_stride)};
  std::copy(op.mean.begin(), op.mean.end(), params.mean);
  std::copy(op.std.begin(), op.std.end(), params.std);
  params.bgr = op.channels == ChannelOrder::bgr;
  const Buffer* tables = b.scratch(kernels::workspace_bytes(params));
  return with_type(out->dtype, [&]<class T>() -> Step {
    return [=](Stream stream) {
      kernels::crop_resize(out->as<T>(), tables->data, frame->as<std::uint8_t>(), boxes->as<kernels::CropBox>(), params,
                           stream);
    };
  });
}

Step step_of(StepBuilder& b, const FillHoles&) {
  b.no_kernel(one_step);
}

Step step_of(StepBuilder& b, const AreaOpen&) {
  b.no_kernel(one_step);
}

Step step_of(StepBuilder& b, const Components&) {
  b.no_kernel(one_step);
}

Step step_of(StepBuilder& b, const CleanLabelMeasure& op) {
  const Buffer *mask = b.input(), *labels = b.output();
  const std::int64_t least = std::clamp<std::int64_t>(op.min_area, 1, std::numeric_limits<int>::max());
  kernels::ComponentsParams params{
      .h = narrow(mask->shape[2]), .w = narrow(mask->shape[3]), .min_area = static_cast<int>(least)};
  params.capacity = op.capacity.value_or(kernels::max_components(params));
  const Buffer* table =
      op.capacity ? b.output(1)
                  : b.scratch(sizeof(kernels::ComponentCount) * static_cast<std::size_t>(1 + params.capacity));
  const Buffer* clean = b.scratch(static_cast<std::size_t>(mask->shape.volume()));
  const Buffer* workspace = b.scratch(kernels::workspace_bytes(params));
  return [=](Stream stream) {
    kernels::clean_and_label(clean->as<std::uint8_t>(), labels->as<std::int32_t>(),
                             table->raw<kernels::ComponentCount>(), workspace->data, mask->as<std::uint8_t>(), params,
                             stream);
  };
}

Step step_of(StepBuilder& b, const ResizeLabels&) {
  return [in = b.input(0), out = b.output()](Stream stream) {
    kernels::resize_labels(out->as<std::int32_t>(), in->as<std::int32_t>(), plane_of(*in), plane_of(*out), stream);
  };
}

Step step_of(StepBuilder& b, const Regions& op) {
  return [labels = b.input(0), out = b.output(), op](Stream stream) {
    kernels::measure_labels(out->as<kernels::ComponentCount>(), labels->as<std::int32_t>(), plane_of(*labels),
                            op.capacity, stream);
  };
}

}  // namespace giemsa::cuda
