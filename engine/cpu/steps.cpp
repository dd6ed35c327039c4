// The kernel of every op on the CPU but Conv2d's (steps_convolution.cpp) and Linear's (steps_linear.cpp).
#include <memory>

#include "engine/cpu/components.h"
#include "engine/cpu/crop_resize.h"
#include "engine/cpu/elementwise.h"
#include "engine/cpu/lrn.h"
#include "engine/cpu/pool.h"
#include "engine/cpu/preprocess.h"
#include "engine/cpu/session.h"
#include "engine/cpu/upsample.h"

namespace giemsa::cpu {

namespace {

using Actions = std::vector<std::function<void()>>;

/// `before`, then `action`.
Step sequence(Actions before, std::function<void()> action) {
  before.push_back(std::move(action));
  return {{}, [before = std::move(before)] {
            for (const auto& step : before) step();
          }};
}

Size2 plane_of(const Shape& nchw) {
  return {nchw[2], nchw[3]};
}

/// Makes the step of whichever op the node has.
struct Maker {
  StepBuilder& b;

  Step operator()(const Input&) const {
    return {{}, [] {}};
  }
  Step operator()(const Conv2d&) const { return convolution_step(b); }

  Step operator()(const BatchNorm&) const {
    Actions before;
    const Value* src = b.stored_as(b.output()->dtype, b.input(0), before);
    return sequence(before, [src, dst = b.output(), affine = b.context.weights.affine(b.node)] {
      affine_pixels(view_of(*dst), view_of(*src), affine->scale.data(), affine->shift.data());
    });
  }

  Step operator()(const Relu&) const {
    if (b.node.output.shape.rank() != 4)
      return {{}, [src = b.input(0), dst = b.output()] { relu_pixels(view_of(*dst), view_of(*src)); }};
    Actions before;
    const Value* src = b.stored_as(b.output()->dtype, b.input(0), before);
    return sequence(before, [src, dst = b.output()] { relu_pixels(view_of(*dst), view_of(*src)); });
  }

  Step operator()(const Add& op) const {
    Actions before;
    const Value* dst = b.output();
    const Value* x = b.stored_as(dst->dtype, b.input(0), before);
    const Value* y = b.stored_as(dst->dtype, b.input(1), before);
    return sequence(before, [x, y, dst, op] { add_pixels(view_of(*dst), view_of(*x), view_of(*y), op.activation); });
  }

  Step operator()(const MaxPool& op) const {
    return {{}, [src = b.input(0), dst = b.output(), op] { max_pool(view_of(*dst), view_of(*src), op); }};
  }

  Step operator()(const AdaptiveAvgPool&) const {
    const Value *src = b.input(0), *dst = b.output();
    const Value* sums = b.scratch(adaptive_avg_pool_scratch(src->shape, dst->shape) * sizeof(float));
    return {{}, [src, dst, sums] { adaptive_avg_pool(view_of(*dst), view_of(*src), sums->as<float>()); }};
  }

  Step operator()(const Lrn& op) const {
    Actions before;
    const Value *src = b.dense(b.stored_as(DType::f32, b.input(0), before), before), *dst = b.output();
    const Value* result = dense_fp32_result();
    before.push_back([src, result, op] {
      lrn(op, src->as<float>(), src->shape[0], src->shape[2] * src->shape[3], {1, src->channels()},
          result->as<float>());
    });
    return deliver(std::move(before), result, dst);
  }

  Step operator()(const Flatten&) const {
    const Value *src = b.input(0), *dst = b.output();
    if (is_8bit(dst->dtype)) return {{}, [src, dst] { flatten(dst->as<std::uint8_t>(), dst->scale, view_of(*src)); }};
    return {{}, [src, dst] { export_nchw(dst->as<float>(), view_of(*src)); }};
  }

  Step operator()(const Linear&) const { return linear_step(b); }

  Step operator()(const Softmax&) const {
    return {{}, [src = b.input(0), dst = b.output()] {
              softmax_rows(dst->as<float>(), src->as<float>(), src->shape[0], src->shape[1]);
            }};
  }

  /// Copies only the inputs that no pass gave a place in the result.
  Step operator()(const Concat&) const {
    const Value* dst = b.output();
    Actions copies;
    std::int64_t channel = 0;
    for (std::size_t i = 0; i < b.node.inputs.size(); ++i) {
      const Value* src = b.input(i);
      const bool in_place = src->block == dst->block;
      if (!in_place)
        copies.push_back([src, dst, channel] {
          Nhwc slice = view_of(*dst);
          slice.data += static_cast<std::size_t>(channel) * size_of(dst->dtype);
          slice.c = src->channels();
          copy_pixels(slice, view_of(*src));
        });
      channel += src->channels();
    }
    return {{}, [copies] {
              for (const auto& copy : copies) copy();
            }};
  }

  Step operator()(const Upsample& op) const {
    Actions before;
    const Value *src = b.input(0), *dst = b.output();
    const Value* scratch = b.scratch(upsample_scratch_bytes(op, {src->shape[0], src->channels()}));
    return {{}, [src, dst, op, scratch] { upsample(op, view_of(*dst), view_of(*src), bytes_of(*scratch)); }};
  }

  Step operator()(const Threshold& op) const {
    Actions before;
    const Value* logits = planar_logits(before);
    return sequence(before, [logits, dst = b.output(), op] {
      const Shape& s = logits->shape;
      threshold(op, logits->as<float>(), s[1], s[2] * s[3], dst->as<std::uint8_t>());
    });
  }

  Step operator()(const UpsampleThreshold& op) const {
    Actions before;
    const Value* logits = planar_logits(before);
    const Value* scratch = b.scratch(upsample_threshold_scratch_bytes(op, logits->channels()));
    return sequence(before, [logits, dst = b.output(), op, scratch] {
      upsample_threshold(op, logits->as<float>(), logits->channels(), plane_of(logits->shape), dst->as<std::uint8_t>(),
                         bytes_of(*scratch));
    });
  }

  Step operator()(const Preprocess& op) const {
    const Shape& frame = b.input(0)->shape;
    auto preprocessor = std::make_shared<Preprocessor>(op, Size2{frame[1], frame[2]});
    const Value *scratch = b.scratch(preprocessor->scratch_bytes()), *result = dense_fp32_result();
    Actions actions{[preprocessor, src = b.input(0), result, scratch] {
      preprocessor->run(src->as<std::uint8_t>(), PixelLayout::interleaved, result->as<float>(), bytes_of(*scratch));
    }};
    return deliver(std::move(actions), result, b.output());
  }

  Step operator()(const CropResize& op) const {
    const Value *frame = b.input(0), *boxes = b.input(1), *result = dense_fp32_result();
    const Size2 size{frame->shape[1], frame->shape[2]};
    const Value* scratch = b.scratch(crop_resize_scratch_bytes(op, size));
    Actions actions{[op, size, frame, boxes, result, scratch] {
      crop_resize(op, frame->as<std::uint8_t>(), size, {boxes->as<Box>(), static_cast<std::size_t>(boxes->shape[0])},
                  PixelLayout::interleaved, result->as<float>(), bytes_of(*scratch));
    }};
    return deliver(std::move(actions), result, b.output());
  }

  Step operator()(const FillHoles&) const {
    const Value* scratch = b.scratch(components_scratch_bytes(plane_of(b.node.output.shape)));
    return {{}, [src = b.input(0), dst = b.output(), scratch] {
              fill_holes(src->as<std::uint8_t>(), plane_of(src->shape), dst->as<std::uint8_t>(), bytes_of(*scratch));
            }};
  }

  Step operator()(const AreaOpen& op) const {
    const Value* scratch = b.scratch(components_scratch_bytes(plane_of(b.node.output.shape)));
    return {{}, [src = b.input(0), dst = b.output(), scratch, op] {
              area_open(src->as<std::uint8_t>(), plane_of(src->shape), op.min_area, dst->as<std::uint8_t>(),
                        bytes_of(*scratch));
            }};
  }

  Step operator()(const Components&) const {
    const Value* scratch = b.scratch(components_scratch_bytes(plane_of(b.node.output.shape)));
    return {{}, [src = b.input(0), dst = b.output(), scratch] {
              label_components(src->as<std::uint8_t>(), plane_of(src->shape), dst->as<std::int32_t>(),
                               bytes_of(*scratch));
            }};
  }

  Step operator()(const CleanAndLabel& op) const {
    const Value* scratch = b.scratch(components_scratch_bytes(plane_of(b.node.output.shape)));
    const std::optional<NodeId> regions = b.made_along();
    const Value* table = regions ? b.value(*regions) : nullptr;
    const std::int64_t capacity = regions ? std::get<Regions>(b.graph[*regions].op).capacity : 0;
    return {{}, [src = b.input(0), dst = b.output(), scratch, op, table, capacity] {
              clean_and_label(src->as<std::uint8_t>(), plane_of(src->shape), op.min_area, dst->as<std::int32_t>(),
                              table ? table->as<RegionCount>() : nullptr, capacity, bytes_of(*scratch));
            }};
  }

  Step operator()(const ResizeLabels&) const {
    return {{}, [src = b.input(0), dst = b.output()] {
              resize_labels(src->as<std::int32_t>(), plane_of(src->shape), dst->as<std::int32_t>(),
                            plane_of(dst->shape));
            }};
  }

  Step operator()(const Regions& op) const {
    if (b.is_made_before()) return {{}, [] {}};
    return {{}, [src = b.input(0), dst = b.output(), op] {
              region_table(src->as<std::int32_t>(), plane_of(src->shape), op.capacity, dst->as<RegionCount>());
            }};
  }

 private:
  /// Where a kernel that only writes dense fp32 may write: the output itself, or scratch that deliver() copies from.
  const Value* dense_fp32_result() const {
    const Value* dst = b.output();
    const bool direct = dst->dtype == DType::f32 && dst->pixel_stride == dst->channels();
    return direct ? dst : b.scratch_like(DType::f32, dst->shape);
  }
  static Step deliver(Actions actions, const Value* result, const Value* dst) {
    if (result == dst) {
      std::function<void()> last = std::move(actions.back());
      actions.pop_back();
      return sequence(std::move(actions), std::move(last));
    }
    return sequence(std::move(actions), [result, dst] { copy_pixels(view_of(*dst), view_of(*result)); });
  }

  /// The input's logits as fp32 {C,h,w}.
  const Value* planar_logits(Actions& before) const {
    const Value* src = b.input(0);
    const Value* planar = b.scratch_like(DType::f32, src->shape);
    before.push_back([src, planar] { export_nchw(planar->as<float>(), view_of(*src)); });
    return planar;
  }
};

}  // namespace

Step StepBuilder::build() {
  return std::visit(Maker{*this}, node.op);
}

}  // namespace giemsa::cpu
