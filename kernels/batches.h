// Regions, taken batch by batch: their number is known on the device alone, so a cursor there counts what was done.
// All of these are one small block: latency is their cost.
#pragma once

#include "kernels/components.h"
#include "kernels/crop_resize.h"
#include "kernels/types.h"

namespace giemsa::kernels {

struct BatchCursor {
  std::int32_t next, count;  ///< the first region not yet taken; how many there are
};

/// Starts at the table's first region.
void start_batches(BatchCursor* cursor, const ComponentCount* table, Stream stream);

/// The boxes of regions next, next + 1, ... of the table; {0, 0, 0, 0} for regions without pixels and beyond the last.
void take_batch(CropBox* boxes, const BatchCursor* cursor, const ComponentCount* table, int batch, Stream stream);

/// Rows {batch, columns} -> values {count, columns} from row next on, without those beyond the last; then moves on by
/// `batch`. Rows are `row_stride` elements apart.
void deliver_batch(float* values, BatchCursor* cursor, const float* rows, int batch, int columns, int row_stride,
                   Stream stream);

}  // namespace giemsa::kernels
