#include "kernels/cpu/imaging/crop_resize.h"

#include <algorithm>

#include "kernels/cpu/imaging/resize_rows.h"

namespace giemsa::kernels::cpu {

Box crop_of(Box box, bool grow, Extent frame) {
  const std::int64_t grown = grow ? 1 : 0;
  const std::int64_t left = std::max<std::int64_t>(box.x, 0), top = std::max<std::int64_t>(box.y, 0);
  const std::int64_t right = std::min(std::int64_t{box.x} + box.w + grown, frame.w);
  const std::int64_t bottom = std::min(std::int64_t{box.y} + box.h + grown, frame.h);
  require(box.w > 0 && box.h > 0 && left < right && top < bottom, "a box to crop takes no pixel of its frame");
  return {static_cast<std::int32_t>(left), static_cast<std::int32_t>(top), static_cast<std::int32_t>(right - left),
          static_cast<std::int32_t>(bottom - top)};
}

std::size_t crop_resize_scratch_bytes(const CropResizeParams& params, Extent frame) {
  return scratch_bytes_of<std::uint8_t>(params.output.h * params.output.w * 3) +
         resize_scratch_bytes(frame, params.output) + resize_plan_bytes(frame, params.output, params.filter);
}

void crop_resize(const CropResizeParams& params, const std::uint8_t* frame, Extent frame_size,
                 std::span<const Box> boxes, float* out, std::span<std::byte> scratch) {
  const Normalisation normalisation(params.mean, params.std, params.bgr);
  const std::int64_t image = params.output.h * params.output.w * 3, row_bytes = frame_size.w * 3;
  for (const Box& box : boxes) {
    const Box crop = crop_of(box, params.grow, frame_size);
    Scratch memory(scratch);
    auto* resized = memory.take<std::uint8_t>(image);
    const ResizePlan plan = plan_resize({crop.h, crop.w}, params.output, params.filter, memory);
    resize_rows(plan, frame + crop.y * row_bytes + crop.x * 3, row_bytes, resized, memory,
                [&](std::int64_t row, const std::uint8_t* rgb) {
                  normalise_row(normalisation, rgb, params.output.w, out + row * params.output.w * 3);
                });
    out += image;
  }
}

}  // namespace giemsa::kernels::cpu
