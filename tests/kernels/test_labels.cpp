#include "kernels/labels.h"

#include <doctest/doctest.h>

#include "tests/kernels/device_buffer.h"
#include "tests/kernels/thread_orders.h"
#include "tests/ops/compare.h"
#include "tests/ops/cpu_kernels.h"
#include "tests/ref/reference.h"

using namespace giemsa;
using namespace giemsa::test;
using kernels::ComponentCount;
using kernels::ComponentRecord;

namespace {

/// Labels in stripes and single pixels, some of them absent, background between.
std::vector<std::int32_t> drawn(Size2 size) {
  std::vector<std::int32_t> labels;
  for (std::int64_t y = 0; y < size.h; ++y)
    for (std::int64_t x = 0; x < size.w; ++x) {
      const auto label = static_cast<std::int32_t>((x / 5 + 3 * (y / 4)) % 11);
      labels.push_back(label == 7 ? 0 : label);  // no pixel has label 7
    }
  return labels;
}

const std::vector<Size2> sizes{{1, 1}, {1, 33}, {33, 1}, {31, 33}, {4, 256}, {5, 257}, {20, 1000}};

std::string rerun(const char* name, Size2 size) {
  return cat("rerun: test_kernels -tc='", name, "'; ", size.h, 'x', size.w);
}

}  // namespace

TEST_CASE("measure_labels equals the CPU's region table") {
  for (const Size2 size : sizes) {
    const std::vector<std::int32_t> labels = drawn(size);
    constexpr std::int64_t capacity = 12;
    std::vector<Region> expected(1 + capacity);
    cpu::region_table(labels.data(), cpu_extent(size), capacity, component_table(expected.data()));
    in_all_thread_orders([&] {
      DeviceBuffer<std::int32_t> in{std::span<const std::int32_t>(labels)};
      DeviceBuffer<Region> table(1 + capacity);
      kernels::measure_labels(reinterpret_cast<ComponentCount*>(table.data()), in.data(),
                              {static_cast<int>(size.h), static_cast<int>(size.w)}, capacity, nullptr);
      CHECK_MESSAGE(table.values() == expected, rerun("measure_labels equals*", size));
    });
  }
}

TEST_CASE("measure_labels counts no label beyond the capacity, and takes an empty table") {
  const std::vector<std::int32_t> labels{0, 1, 3, 3, -1, 2};
  DeviceBuffer<std::int32_t> in{std::span<const std::int32_t>(labels)};
  for (const int capacity : {0, 2}) {
    DeviceBuffer<Region> table(1 + capacity);
    kernels::measure_labels(reinterpret_cast<ComponentCount*>(table.data()), in.data(), {2, 3}, capacity, nullptr);
    const std::vector<Region> values = table.values();
    CHECK_EQ(reinterpret_cast<const RegionCount*>(values.data())->count, capacity);
    if (capacity == 2) {
      CHECK_EQ(values[1], Region{1, 0, 1, 1, 1, 0, 1, 0});
      CHECK_EQ(values[2], Region{2, 1, 1, 1, 1, 0, 2, 1});
    }
  }
}

TEST_CASE("resize_labels equals the CPU's") {
  for (const Size2 from : sizes)
    for (const Size2 to : {Size2{1, 1}, Size2{17, 29}, Size2{40, 33}}) {
      const std::vector<std::int32_t> labels = drawn(from);
      std::vector<std::int32_t> expected(static_cast<std::size_t>(to.h * to.w));
      cpu::resize_labels(labels.data(), cpu_extent(from), expected.data(), cpu_extent(to));
      in_all_thread_orders([&] {
        DeviceBuffer<std::int32_t> in{std::span<const std::int32_t>(labels)};
        DeviceBuffer<std::int32_t> out(to.h * to.w);
        kernels::resize_labels(out.data(), in.data(), {static_cast<int>(from.h), static_cast<int>(from.w)},
                               {static_cast<int>(to.h), static_cast<int>(to.w)}, nullptr);
        check_equal(out.values(), expected, rerun("resize_labels equals*", from));
      });
    }
}

TEST_CASE("narrow_labels keeps the lower 16 bits, whatever the count") {
  for (const std::int64_t count : {1, 7, 8, 9, 2048, 2049, 5003}) {
    std::vector<std::int32_t> labels;
    std::vector<std::uint16_t> expected;
    for (std::int64_t i = 0; i < count; ++i) {
      labels.push_back(static_cast<std::int32_t>(i * 37 + 65530));
      expected.push_back(static_cast<std::uint16_t>(labels.back()));
    }
    in_all_thread_orders([&] {
      DeviceBuffer<std::int32_t> in{std::span<const std::int32_t>(labels)};
      DeviceBuffer<std::uint16_t> out(count);
      kernels::narrow_labels(out.data(), in.data(), count, nullptr);
      check_equal(out.values(), expected, cat("rerun: test_kernels -tc='narrow_labels*'; ", count));
    });
  }
}

TEST_CASE("labels: preconditions and costs") {
  DeviceBuffer<std::int32_t> memory(64);
  CHECK_THROWS_AS(kernels::resize_labels(memory.data(), memory.data() + 32, {0, 4}, {2, 2}, nullptr),
                  std::invalid_argument);
  CHECK_THROWS_AS(
      kernels::narrow_labels(reinterpret_cast<std::uint16_t*>(memory.data()), memory.data() + 33, 8, nullptr),
      std::invalid_argument);
  CHECK_EQ(kernels::resize_labels_cost({2, 3}).bytes, 2 * 3 * 8);
  CHECK_EQ(kernels::measure_labels_cost({4, 5}, 7).bytes, 4 * 5 * 4 + 8 * 40);
  CHECK_EQ(kernels::narrow_labels_cost(10).bytes, 60);
}
