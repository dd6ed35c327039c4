// Label images and region tables as the tensors that contracts are made of.
#pragma once

#include <cstring>
#include <vector>

#include "engine/base/region.h"
#include "engine/base/tensor.h"
#include "tests/ref/components.h"

namespace giemsa::contract {

inline Tensor plane(const std::vector<std::int32_t>& pixels, std::int64_t h, std::int64_t w) {
  return Tensor::from(DType::i32, Shape{1, 1, h, w}, std::vector<std::int32_t>(pixels));
}

inline Tensor region_table(const std::vector<std::int32_t>& labels, Size2 size, std::int64_t capacity,
                           std::int32_t count) {
  std::vector<std::int32_t> table(static_cast<std::size_t>(10 * (1 + capacity)));
  const std::vector<Region> regions = ref::regions(labels, size, count);
  table[0] = count;
  if (!regions.empty()) std::memcpy(table.data() + 10, regions.data(), regions.size() * sizeof(Region));
  return Tensor::from(DType::i32, Shape{1 + capacity, 10}, std::move(table));
}

}  // namespace giemsa::contract
