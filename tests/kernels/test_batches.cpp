#include "kernels/batches.h"

#include <doctest/doctest.h>

#include <numeric>

#include "tests/kernels/device_buffer.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/compare.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::BatchCursor;
using kernels::ComponentCount;
using kernels::ComponentRecord;
using kernels::CropBox;

namespace {

/// A table of `count` regions, every fifth of which has no pixels.
std::vector<ComponentRecord> table_of(int count) {
  std::vector<ComponentRecord> table(static_cast<std::size_t>(1 + count), ComponentRecord{});
  table[0].x = count;
  for (int i = 0; i < count; ++i)
    table[static_cast<std::size_t>(1 + i)] = {i, 2 * i, 3 + i, 4 + i, i % 5 == 4 ? 0 : 10, 0, 0, 0};
  return table;
}

}  // namespace

TEST_CASE("batches: every region is taken once, in order, and its row delivered to its place") {
  constexpr int columns = 5, row_stride = 7;
  for (const int count : {0, 1, 15, 16, 17, 300})
    for (const int batch : {1, 4, 16, 200})
      in_all_thread_orders([&] {
        const std::vector<ComponentRecord> table = table_of(count);
        DeviceBuffer<ComponentRecord> device_table{std::span<const ComponentRecord>(table)};
        const auto* head = reinterpret_cast<const ComponentCount*>(device_table.data());
        DeviceBuffer<BatchCursor> cursor(1);
        DeviceBuffer<float> values(std::max(count * columns, 1));
        kernels::start_batches(cursor.data(), head, nullptr);
        CHECK_EQ(cursor.values()[0].next, 0);
        CHECK_EQ(cursor.values()[0].count, count);

        for (int first = 0; first < count; first += batch) {
          DeviceBuffer<CropBox> boxes(batch);
          kernels::take_batch(boxes.data(), cursor.data(), head, batch, nullptr);
          const std::vector<CropBox> taken = boxes.values();
          for (int i = 0; i < batch; ++i) {
            const int region = first + i;
            const bool seen = region < count && region % 5 != 4;
            const CropBox expected = seen ? CropBox{region, 2 * region, 3 + region, 4 + region} : CropBox{0, 0, 0, 0};
            const CropBox& box = taken[static_cast<std::size_t>(i)];
            CHECK((box.x == expected.x && box.y == expected.y && box.w == expected.w && box.h == expected.h));
          }
          std::vector<float> rows(static_cast<std::size_t>(batch * row_stride));
          std::iota(rows.begin(), rows.end(), static_cast<float>(first * row_stride));
          DeviceBuffer<float> device_rows{std::span<const float>(rows)};
          kernels::deliver_batch(values.data(), cursor.data(), device_rows.data(), batch, columns, row_stride, nullptr);
          CHECK_EQ(cursor.values()[0].next, first + batch);
        }
        const std::vector<float> delivered = values.values();
        for (int i = 0; i < count * columns; ++i)
          CHECK_EQ(delivered[static_cast<std::size_t>(i)], static_cast<float>(i / columns * row_stride + i % columns));
      });
}

TEST_CASE("batches refuse what makes no sense") {
  DeviceBuffer<float> memory(16);
  DeviceBuffer<BatchCursor> cursor(1);
  CHECK_THROWS_AS(kernels::deliver_batch(memory.data(), cursor.data(), memory.data(), 0, 5, 5, nullptr),
                  std::invalid_argument);
  CHECK_THROWS_AS(kernels::deliver_batch(memory.data(), cursor.data(), memory.data(), 1, 5, 4, nullptr),
                  std::invalid_argument);
}
