// What surrounds networks, on the CPU: from frames and boxes to their inputs, from logits to masks, labels and regions.
#include <memory>

#include "engine/cpu/components.h"
#include "engine/cpu/crop_resize.h"
#include "engine/cpu/elementwise.h"
#include "engine/cpu/preprocess.h"
#include "engine/cpu/session.h"
#include "engine/cpu/upsample.h"

namespace giemsa {

template <>
inline constexpr std::optional<DType> element_of<Box> = DType::i32;

namespace cpu {

namespace {

/// The input's logits as fp32 {C,h,w}.
const Buffer* planar_logits(StepBuilder& b, Actions& before) {
  const Buffer* src = b.input();
  const Buffer* planar = b.scratch_like(DType::f32, src->shape);
  before.push_back([src, planar] { export_nchw(planar->as<float>(), view_of(*src)); });
  return planar;
}

}  // namespace

Step step_of(StepBuilder& b, const Threshold& op) {
  Actions before;
  const Buffer* logits = planar_logits(b, before);
  return sequence(before, [logits, dst = b.output(), op] {
    const Shape& s = logits->shape;
    threshold(op, logits->as<float>(), s[1], s[2] * s[3], dst->as<std::uint8_t>());
  });
}

Step step_of(StepBuilder& b, const UpsampleThreshold& op) {
  Actions before;
  const Buffer* logits = planar_logits(b, before);
  const Buffer* scratch = b.scratch(upsample_threshold_scratch_bytes(op, logits->channels()));
  return sequence(before, [logits, dst = b.output(), op, scratch] {
    upsample_threshold(op, logits->as<float>(), logits->channels(), plane_of(*logits), dst->as<std::uint8_t>(),
                       bytes_of(*scratch));
  });
}

Step step_of(StepBuilder& b, const Preprocess& op) {
  const Shape& frame = b.input(0)->shape;
  auto preprocessor = std::make_shared<Preprocessor>(op, Size2{frame[1], frame[2]});
  const Buffer *scratch = b.scratch(preprocessor->scratch_bytes()), *result = b.dense_fp32_result();
  Actions actions{[preprocessor, src = b.input(0), result, scratch] {
    preprocessor->run(src->as<std::uint8_t>(), PixelLayout::interleaved, result->as<float>(), bytes_of(*scratch));
  }};
  return b.deliver(std::move(actions), result);
}

Step step_of(StepBuilder& b, const CropResize& op) {
  const Buffer *frame = b.input(0), *boxes = b.input(1), *result = b.dense_fp32_result();
  const Size2 size{frame->shape[1], frame->shape[2]};
  const Buffer* scratch = b.scratch(crop_resize_scratch_bytes(op, size));
  Actions actions{[op, size, frame, boxes, result, scratch] {
    crop_resize(op, frame->as<std::uint8_t>(), size, {boxes->as<Box>(), static_cast<std::size_t>(boxes->shape[0])},
                PixelLayout::interleaved, result->as<float>(), bytes_of(*scratch));
  }};
  return b.deliver(std::move(actions), result);
}

Step step_of(StepBuilder& b, const FillHoles&) {
  const Buffer* scratch = b.scratch(components_scratch_bytes(plane_of(*b.output())));
  return {{}, [src = b.input(0), dst = b.output(), scratch] {
            fill_holes(src->as<std::uint8_t>(), plane_of(*src), dst->as<std::uint8_t>(), bytes_of(*scratch));
          }};
}

Step step_of(StepBuilder& b, const AreaOpen& op) {
  const Buffer* scratch = b.scratch(components_scratch_bytes(plane_of(*b.output())));
  return {{}, [src = b.input(0), dst = b.output(), scratch, op] {
            area_open(src->as<std::uint8_t>(), plane_of(*src), op.min_area, dst->as<std::uint8_t>(),
                      bytes_of(*scratch));
          }};
}

Step step_of(StepBuilder& b, const Components&) {
  const Buffer* scratch = b.scratch(components_scratch_bytes(plane_of(*b.output())));
  return {{}, [src = b.input(0), dst = b.output(), scratch] {
            label_components(src->as<std::uint8_t>(), plane_of(*src), dst->as<std::int32_t>(), bytes_of(*scratch));
          }};
}

Step step_of(StepBuilder& b, const CleanLabelMeasure& op) {
  const Buffer* scratch = b.scratch(components_scratch_bytes(plane_of(*b.output())));
  const Buffer* table = op.capacity ? b.output(1) : nullptr;
  return {{}, [mask = b.input(), labels = b.output(), scratch, op, table] {
            clean_and_label(mask->as<std::uint8_t>(), plane_of(*mask), op.min_area, labels->as<std::int32_t>(),
                            table ? table->as<RegionCount>() : nullptr, op.capacity.value_or(0), bytes_of(*scratch));
          }};
}

Step step_of(StepBuilder& b, const ResizeLabels&) {
  return {{}, [src = b.input(0), dst = b.output()] {
            resize_labels(src->as<std::int32_t>(), plane_of(*src), dst->as<std::int32_t>(), plane_of(*dst));
          }};
}

Step step_of(StepBuilder& b, const Regions& op) {
  return {{}, [labels = b.input(), table = b.output(), op] {
            region_table(labels->as<std::int32_t>(), plane_of(*labels), op.capacity, table->as<RegionCount>());
          }};
}

}  // namespace cpu

}  // namespace giemsa
