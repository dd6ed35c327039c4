
#include "engine/base/check.h"
#include "engine/base/region.h"
#include "kernels/ladder/labels_ladder.h"
#include "tests/kernels/device_buffer.h"
#include "tests/ladder/cases.h"
#include "tests/ops/components_cases.h"
#include "tests/simt/block.h"

namespace giemsa::ladder {

namespace {

using kernels::ComponentCount;
using kernels::ComponentsParams;
using test::DeviceBuffer;

Case count(std::string title, std::string shape, test::Pattern pattern, Size2 size, int min_area) {
  ComponentsParams p{.h = static_cast<int>(size.h), .w = static_cast<int>(size.w), .min_area = min_area};
  p.capacity = kernels::max_components(p);
  const std::vector<std::uint8_t> mask = test::make_mask(pattern, size);
  DeviceBuffer<std::uint8_t> in{std::span(mask)};
  DeviceBuffer<std::byte> workspace(
      static_cast<std::int64_t>(std::max(kernels::workspace_bytes(p), kernels::labels_ladder_workspace_bytes(p))));

  Case result{std::move(title), std::move(shape), 0, cost(p).bytes, {}};
  std::vector<std::int32_t> first;
  std::vector<Region> first_table;
  const auto add = [&](std::string name, std::string change, const auto& run) {
    const auto counts_in = [&](simt::Order order) {
      simt::set_thread_order(order);
      DeviceBuffer<std::uint8_t> clean(size.h * size.w);
      DeviceBuffer<std::int32_t> labels(size.h * size.w);
      DeviceBuffer<Region> table(1 + p.capacity);
      const simt::Counting counting;
      run(clean.data(), labels.data(), reinterpret_cast<ComponentCount*>(table.data()), workspace.data(), in.data(), p,
          nullptr);
      if (first.empty()) {
        first = labels.values();
        first_table = table.values();
      }
      check(labels.values() == first && table.values() == first_table, ErrorKind::internal, name,
            " gives another result than ", result.steps.front().name);
      return counting.sum();
    };
    Step step{name, std::move(change), counts_in(simt::Order::forward), "", {}};
    if (result.steps.empty()) return result.steps.push_back(std::move(step));  // a pixel a launch: no races to lose
    step.other_orders = {{"reversed", counts_in(simt::Order::reversed)},
                         {"shuffled", counts_in(simt::Order::shuffled)}};
    simt::set_thread_order(simt::Order::forward);
    result.steps.push_back(std::move(step));
  };
  for (const kernels::LabelsStep& step : kernels::labels_steps) add(step.name, step.change, step.run);
  add("product", "both colours at once, rows as words, sums in shared memory", kernels::clean_and_label);
  return result;
}

}  // namespace

std::vector<Case> count_labels() {
  return {count("Blobs, 128x96 pixels", "twelve round cells of radius 3 to 16, some with a hole", test::Pattern::blobs,
                {96, 128}, 40),
          count("Spiral, 33x19 pixels", "one path that winds inwards: the longest way for a label",
                test::Pattern::spiral, {19, 33}, 1)};
}

}  // namespace giemsa::ladder
