// What surrounds networks, on the CPU: from frames and boxes to their inputs, from logits to masks, labels and regions.
#include <memory>

#include "engine/cpu/session.h"
#include "kernels/cpu/imaging/components.h"
#include "kernels/cpu/imaging/crop_resize.h"
#include "kernels/cpu/imaging/preprocess.h"
#include "kernels/cpu/layers/elementwise.h"
#include "kernels/cpu/layers/upsample.h"

namespace giemsa::cpu {

namespace {

static_assert(sizeof(kernels::ComponentRecord) == sizeof(Region));

kernels::ResizeFilter filter_of(ResizeFilter filter) {
  return filter == ResizeFilter::bicubic ? kernels::ResizeFilter::bicubic : kernels::ResizeFilter::bilinear;
}

/// The input's logits as fp32 {C,h,w}.
const Buffer* planar_logits(StepBuilder& b, Actions& before) {
  const Buffer* src = b.input();
  const Buffer* planar = b.scratch_like(DType::f32, src->shape);
  before.push_back([src, planar] { kernels::export_nchw(planar->as<float>(), view_of(*src)); });
  return planar;
}

}  // namespace

Step step_of(StepBuilder& b, const Threshold& op) {
  Actions before;
  const Buffer* logits = planar_logits(b, before);
  return sequence(before, [logits, dst = b.output(), op] {
    const Shape& s = logits->shape;
    kernels::threshold(dst->as<std::uint8_t>(), logits->as<float>(), s[1], s[2] * s[3], op.threshold, op.cells);
  });
}

Step step_of(StepBuilder& b, const UpsampleThreshold& op) {
  Actions before;
  const Buffer* logits = planar_logits(b, before);
  const kernels::UpsampleThresholdParams params{logits->channels(), plane_of(*logits), extent_of(op.output),
                                                op.align_corners,   op.threshold,      op.cells};
  const Buffer* scratch = b.scratch(kernels::upsample_threshold_scratch_bytes(params));
  return sequence(before, [logits, dst = b.output(), params, scratch] {
    kernels::upsample_threshold(dst->as<std::uint8_t>(), logits->as<float>(), params, bytes_of(*scratch));
  });
}

Step step_of(StepBuilder& b, const Preprocess& op) {
  const Shape& frame = b.input(0)->shape;
  const kernels::PreprocessParams params{extent_of(op.output), filter_of(op.filter), op.mean, op.std,
                                         op.channels == ChannelOrder::bgr};
  auto preprocessor = std::make_shared<kernels::Preprocessor>(params, kernels::Extent{frame[1], frame[2]});
  const Buffer *scratch = b.scratch(preprocessor->scratch_bytes()), *result = b.dense_fp32_result();
  Actions actions{[preprocessor, src = b.input(0), result, scratch] {
    preprocessor->run(src->as<std::uint8_t>(), result->as<float>(), bytes_of(*scratch));
  }};
  return b.deliver(std::move(actions), result);
}

Step step_of(StepBuilder& b, const CropResize& op) {
  const Buffer *frame = b.input(0), *boxes = b.input(1), *result = b.dense_fp32_result();
  const kernels::Extent size{frame->shape[1], frame->shape[2]};
  const kernels::CropResizeParams params{extent_of(op.output),
                                         op.mode == CropMode::matlab,
                                         filter_of(op.filter),
                                         op.mean,
                                         op.std,
                                         op.channels == ChannelOrder::bgr};
  const Buffer* scratch = b.scratch(kernels::crop_resize_scratch_bytes(params, size));
  Actions actions{[params, size, frame, boxes, result, scratch] {
    kernels::crop_resize(params, frame->as<std::uint8_t>(), size,
                         {boxes->as<kernels::Box>(), static_cast<std::size_t>(boxes->shape[0])}, result->as<float>(),
                         bytes_of(*scratch));
  }};
  return b.deliver(std::move(actions), result);
}

Step step_of(StepBuilder& b, const FillHoles&) {
  const Buffer* scratch = b.scratch(kernels::components_scratch_bytes(plane_of(*b.output())));
  return {{}, [src = b.input(0), dst = b.output(), scratch] {
            kernels::fill_holes(src->as<std::uint8_t>(), plane_of(*src), dst->as<std::uint8_t>(), bytes_of(*scratch));
          }};
}

Step step_of(StepBuilder& b, const AreaOpen& op) {
  const Buffer* scratch = b.scratch(kernels::components_scratch_bytes(plane_of(*b.output())));
  return {{}, [src = b.input(0), dst = b.output(), scratch, op] {
            kernels::area_open(src->as<std::uint8_t>(), plane_of(*src), op.min_area, dst->as<std::uint8_t>(),
                               bytes_of(*scratch));
          }};
}

Step step_of(StepBuilder& b, const Components&) {
  const Buffer* scratch = b.scratch(kernels::components_scratch_bytes(plane_of(*b.output())));
  return {{}, [src = b.input(0), dst = b.output(), scratch] {
            kernels::label_components(src->as<std::uint8_t>(), plane_of(*src), dst->as<std::int32_t>(),
                                      bytes_of(*scratch));
          }};
}

Step step_of(StepBuilder& b, const CleanLabelMeasure& op) {
  const Buffer* scratch = b.scratch(kernels::components_scratch_bytes(plane_of(*b.output())));
  const Buffer* table = op.capacity ? b.output(1) : nullptr;
  return {{}, [mask = b.input(), labels = b.output(), scratch, op, table] {
            kernels::clean_and_label(mask->as<std::uint8_t>(), plane_of(*mask), op.min_area, labels->as<std::int32_t>(),
                                     table ? table->as<kernels::ComponentCount>() : nullptr, op.capacity.value_or(0),
                                     bytes_of(*scratch));
          }};
}

Step step_of(StepBuilder& b, const ResizeLabels&) {
  return {{}, [src = b.input(0), dst = b.output()] {
            kernels::resize_labels(src->as<std::int32_t>(), plane_of(*src), dst->as<std::int32_t>(), plane_of(*dst));
          }};
}

Step step_of(StepBuilder& b, const Regions& op) {
  return {{}, [labels = b.input(), table = b.output(), op] {
            kernels::region_table(labels->as<std::int32_t>(), plane_of(*labels), op.capacity,
                                  table->as<kernels::ComponentCount>());
          }};
}

}  // namespace giemsa::cpu
