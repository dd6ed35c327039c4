#include "kernels/batches.h"

#include "kernels/device.h"

namespace giemsa::kernels {

namespace {

constexpr int threads_a_block = 128;

// One thread.
__global__ void start_batches_kernel(BatchCursor* cursor, const ComponentCount* table) {
  wait_for_previous_kernel();
  cursor->next = 0;
  cursor->count = table->count;
}

// One block; a thread takes every 128th region of the batch.
__global__ void __launch_bounds__(threads_a_block)
    take_batch_kernel(CropBox* boxes, const BatchCursor* cursor, const ComponentCount* table, int batch) {
  wait_for_previous_kernel();
  const auto* records = reinterpret_cast<const ComponentRecord*>(table + 1);
  const int next = cursor->next, left = cursor->count - next;
  for (int i = static_cast<int>(threadIdx.x); i < batch; i += threads_a_block) {
    CropBox box{0, 0, 0, 0};
    if (i < left) {
      const ComponentRecord& record = records[next + i];
      if (record.area > 0) box = {record.x, record.y, record.w, record.h};
    }
    boxes[i] = box;
  }
}

// One block; a thread copies every 128th value. The cursor moves when all threads have read it.
__global__ void __launch_bounds__(threads_a_block)
    deliver_batch_kernel(float* values, BatchCursor* cursor, const float* rows, int batch, int columns,
                         int row_stride) {
  wait_for_previous_kernel();
  const int next = cursor->next, taken = min(cursor->count - next, batch);
  for (int i = static_cast<int>(threadIdx.x); i < taken * columns; i += threads_a_block) {
    const int row = i / columns, column = i - row * columns;
    values[static_cast<std::int64_t>(next + row) * columns + column] = rows[row * row_stride + column];
  }
  sync_block();
  if (threadIdx.x == 0) cursor->next = next + batch;
}

}  // namespace

void start_batches(BatchCursor* cursor, const ComponentCount* table, Stream stream) {
  launch(start_batches_kernel, {.overlap_previous = true, .stream = stream}, cursor, table);
}

void take_batch(CropBox* boxes, const BatchCursor* cursor, const ComponentCount* table, int batch, Stream stream) {
  PRECONDITION(batch > 0);
  launch(take_batch_kernel, {.block = {threads_a_block}, .overlap_previous = true, .stream = stream}, boxes, cursor,
         table, batch);
}

void deliver_batch(float* values, BatchCursor* cursor, const float* rows, int batch, int columns, int row_stride,
                   Stream stream) {
  PRECONDITION(batch > 0 && columns > 0 && row_stride >= columns);
  launch(deliver_batch_kernel, {.block = {threads_a_block}, .overlap_previous = true, .stream = stream}, values, cursor,
         rows, batch, columns, row_stride);
}

}  // namespace giemsa::kernels
