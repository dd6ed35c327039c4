// Label images: resized, measured, narrowed.
#pragma once

#include "kernels/components.h"
#include "kernels/nhwc.h"
#include "kernels/types.h"

namespace giemsa::kernels {

/// Labels i32 {in.h, in.w} -> {out.h, out.w}: the nearest sample of each pixel's centre.
void resize_labels(std::int32_t* out, const std::int32_t* labels, Extent in, Extent out_size, Stream stream);

/// Labels i32 {h,w} -> the table of the regions 1 .. the largest label, as in components.h; a label without pixels has
/// an all-zero record. Labels beyond the capacity are not counted. Three launches.
void measure_labels(ComponentCount* table, const std::int32_t* labels, Extent map, std::int64_t capacity,
                    Stream stream);

/// i32 -> u16, modulo 65536. Both are aligned to 16 bytes.
void narrow_labels(std::uint16_t* out, const std::int32_t* labels, std::int64_t count, Stream stream);

/// Each label that is read or written counts once.
Cost resize_labels_cost(Extent out_size);
/// The labels once, and the table.
Cost measure_labels_cost(Extent map, std::int64_t capacity);
Cost narrow_labels_cost(std::int64_t count);

}  // namespace giemsa::kernels
