#include "engine/cpu/crop_resize.h"

#include <algorithm>

namespace giemsa::cpu {

Box crop_of(Box box, CropMode mode, Size2 frame) {
  const std::int64_t grown = mode == CropMode::matlab ? 1 : 0;
  const std::int64_t left = std::max<std::int64_t>(box.x, 0), top = std::max<std::int64_t>(box.y, 0);
  const std::int64_t right = std::min(std::int64_t{box.x} + box.w + grown, frame.w);
  const std::int64_t bottom = std::min(std::int64_t{box.y} + box.h + grown, frame.h);
  check(box.w > 0 && box.h > 0 && left < right && top < bottom, ErrorKind::internal, "box ", box.x, ",", box.y, " ",
        box.w, "x", box.h, " takes no pixel of a frame of ", frame.w, "x", frame.h);
  return {static_cast<std::int32_t>(left), static_cast<std::int32_t>(top), static_cast<std::int32_t>(right - left),
          static_cast<std::int32_t>(bottom - top)};
}

std::size_t crop_resize_scratch_bytes(const CropResize& op, Size2 frame) {
  return scratch_bytes_of<std::uint8_t>(op.output.h * op.output.w * 3) + resize_scratch_bytes(frame, op.output) +
         resize_plan_bytes(frame, op.output, op.filter);
}

void crop_resize(const CropResize& op, const std::uint8_t* frame, Size2 frame_size, std::span<const Box> boxes,
                 PixelLayout layout, float* out, std::span<std::byte> scratch) {
  const Normalisation normalisation(op.mean, op.std);
  const std::int64_t picture = op.output.h * op.output.w * 3, row_bytes = frame_size.w * 3;
  for (const Box& box : boxes) {
    const Box crop = crop_of(box, op.mode, frame_size);
    Scratch memory(scratch);
    auto* resized = memory.take<std::uint8_t>(picture);
    const ResizePlan plan = plan_resize({crop.h, crop.w}, op.output, op.filter, memory);
    resize_rows(plan, frame + crop.y * row_bytes + crop.x * 3, row_bytes, resized, memory,
                [&](std::int64_t row, const std::uint8_t* rgb) {
                  normalise_row(normalisation, rgb, row, op.output, layout, out);
                });
    out += picture;
  }
}

}  // namespace giemsa::cpu
