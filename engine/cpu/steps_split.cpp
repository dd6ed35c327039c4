// Touching cells, parted, on the CPU.
#include "engine/cpu/session.h"
#include "kernels/cpu/imaging/split.h"

namespace giemsa::cpu {

Step step_of(StepBuilder& b, const DistanceTransform& op) {
  const Buffer* scratch = b.scratch(kernels::distance_transform_scratch_bytes(plane_of(*b.input()), op.step));
  return {{}, [labels = b.input(), distances = b.output(), scratch, op] {
            kernels::distance_transform(labels->as<std::int32_t>(), plane_of(*labels), op.step,
                                        distances->as<std::int32_t>(), bytes_of(*scratch));
          }};
}

Step step_of(StepBuilder& b, const Basins& op) {
  return {{}, [labels = b.input(0), distances = b.input(1), basins = b.output(), op] {
            kernels::basins(labels->as<std::int32_t>(), plane_of(*labels), op.step, distances->as<std::int32_t>(),
                            basins->as<std::int32_t>());
          }};
}

Step step_of(StepBuilder& b, const MergeBasins& op) {
  const kernels::SplitParams params{op.step, op.min_area, op.depth, op.least_peak, op.capacity};
  const Buffer* scratch = b.scratch(kernels::merge_basins_scratch_bytes(plane_of(*b.input(0)), params));
  return {{}, [labels = b.input(0), regions = b.input(1), distances = b.input(2), basins = b.input(3),
               parts = b.output(0), table = b.output(1), scratch, params] {
            kernels::merge_basins(parts->as<std::int32_t>(), table->as<kernels::ComponentCount>(),
                                  labels->as<std::int32_t>(), regions->as<kernels::ComponentCount>(),
                                  distances->as<std::int32_t>(), basins->as<std::int32_t>(), plane_of(*labels), params,
                                  bytes_of(*scratch));
          }};
}

}  // namespace giemsa::cpu
