// Touching cells, parted, on the GPU.
#include <algorithm>
#include <limits>

#include "engine/cuda/steps.h"
#include "kernels/basins.h"
#include "kernels/centres.h"
#include "kernels/distance_transform.h"

namespace giemsa::cuda {

namespace {

kernels::SplitGrid grid_of(const Buffer& labels, std::int64_t step) {
  return kernels::SplitGrid::of(plane_of(labels), narrow(step));
}

kernels::CentreHead layout_of(const Buffer& head) {
  return {plane_of(head), narrow(head.pixel_stride)};
}

}  // namespace

Step step_of(StepBuilder& b, const DistanceTransform& op) {
  return [labels = b.input(), distances = b.output(), grid = grid_of(*b.input(), op.step)](Stream stream) {
    kernels::distance_transform(distances->as<std::int32_t>(), labels->as<std::int32_t>(), grid, stream);
  };
}

Step step_of(StepBuilder& b, const Basins& op) {
  return [labels = b.input(0), distances = b.input(1), basins = b.output(),
          grid = grid_of(*b.input(0), op.step)](Stream stream) {
    kernels::basins(basins->as<std::int32_t>(), labels->as<std::int32_t>(), distances->as<std::int32_t>(), grid,
                    stream);
  };
}

Step step_of(StepBuilder& b, const MergeBasins& op) {
  const Buffer *labels = b.input(0), *regions = b.input(1), *distances = b.input(2), *basins = b.input(3);
  const Buffer *parts = b.output(0), *table = b.output(1);
  const kernels::MergeParams params{
      .grid = grid_of(*labels, op.step),
      .min_area = static_cast<int>(std::min<std::int64_t>(op.min_area, std::numeric_limits<int>::max())),
      .depth = narrow(op.depth),
      .least_peak = narrow(op.least_peak),
      .capacity = op.capacity};
  const Buffer* workspace = b.scratch(kernels::workspace_bytes(params));
  return [=](Stream stream) {
    kernels::merge_basins(parts->as<std::int32_t>(), table->as<kernels::ComponentCount>(), workspace->data,
                          labels->as<std::int32_t>(), regions->as<kernels::ComponentCount>(),
                          distances->as<std::int32_t>(), basins->as<std::int32_t>(), params, stream);
  };
}

Step step_of(StepBuilder& b, const CentrePeaks& op) {
  const Buffer *labels = b.input(0), *head = b.input(1), *peaks = b.output();
  const kernels::CentrePeakParams params{
      .grid = grid_of(*labels, op.step), .head = layout_of(*head), .reach = narrow(op.reach), .least = op.least};
  return with_type(head->dtype, [&]<class T>() -> Step {
    return [=](Stream stream) {
      const T* from = head->as<T>();
      kernels::centre_peaks(peaks->as<std::int32_t>(), labels->as<std::int32_t>(), from, params, stream);
    };
  });
}

Step step_of(StepBuilder& b, const AssignCentres& op) {
  static_assert(kernels::most_centres == AssignCentres::most);
  const Buffer *labels = b.input(0), *regions = b.input(1), *peaks = b.input(2), *head = b.input(3);
  const Buffer* basins = b.output();
  const kernels::AssignParams params{
      .grid = grid_of(*labels, op.step), .head = layout_of(*head), .capacity = op.capacity};
  return with_type(head->dtype, [&]<class T>() -> Step {
    return [=](Stream stream) {
      const T* from = head->as<T>();
      kernels::assign_centres(basins->as<std::int32_t>(), labels->as<std::int32_t>(),
                              regions->as<kernels::ComponentCount>(), peaks->as<std::int32_t>(), from, params, stream);
    };
  });
}

}  // namespace giemsa::cuda
