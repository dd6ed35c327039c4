// Step 2: union-find. A thread joins its pixel's tree with those of the neighbours before it; roots join under the
// smaller one by atomic minimum (components_forest.h), in whatever order. The background first, then the foreground
// with the holes filled.
//
// Against v1: ten launches for every mask, and the host waits for none. But trees lie in global memory: every pixel
// inside a component walks to the root twice for each neighbour, each step of a walk a load that depends on the one
// before it, and what a row of pixels could have known at once, that they belong together, costs an atomic each.
// Latency of the walks limits it.
#include "kernels/ladder/labels_parts.h"

namespace giemsa::kernels {

namespace {

using namespace ladder;
using components::GlobalForest;

// A thread starts a tree of background; what lies at the edge belongs to the outside.
__global__ void __launch_bounds__(threads_a_block)
    plant_background(LabelsWork work, const std::uint8_t* mask, Frame frame) {
  const int pixel = own_pixel();
  if (pixel == 0) work.background[outside] = work.parent[outside] = outside;
  if (pixel >= frame.pixels()) return;
  work.background[1 + pixel] = mask[pixel] == 0 && at_edge(frame, pixel) ? outside : 1 + pixel;
}

// A thread joins a pixel of the background with those left of it and above.
__global__ void __launch_bounds__(threads_a_block)
    join_background(LabelsWork work, const std::uint8_t* mask, Frame frame) {
  const int pixel = own_pixel();
  if (pixel >= frame.pixels() || mask[pixel] != 0) return;
  const int y = pixel / frame.w, x = pixel - y * frame.w;
  const auto join = [&](int other) {
    if (mask[other] == 0) components::unite(GlobalForest{work.background}, 1 + pixel, 1 + other);
  };
  if (x > 0) join(pixel - 1);
  if (y > 0) join(pixel - frame.w);
}

// A thread starts a tree of foreground: of the mask's, and of background that is not outside.
__global__ void __launch_bounds__(threads_a_block)
    plant_foreground(LabelsWork work, const std::uint8_t* mask, Frame frame) {
  const int pixel = own_pixel();
  if (pixel >= frame.pixels()) return;
  const bool filled = mask[pixel] != 0 || components::find(work.background, 1 + pixel) != outside;
  work.parent[1 + pixel] = filled ? 1 + pixel : outside;
}

// A thread joins a pixel of the foreground with the four neighbours that precede it. A pixel of it never has the parent
// `outside`, whichever trees were joined meanwhile.
__global__ void __launch_bounds__(threads_a_block) join_foreground(LabelsWork work, Frame frame) {
  const int pixel = own_pixel();
  if (pixel >= frame.pixels() || work.parent[1 + pixel] == outside) return;
  const int y = pixel / frame.w, x = pixel - y * frame.w;
  const auto join = [&](int other) {
    if (work.parent[1 + other] != outside) components::unite(GlobalForest{work.parent}, 1 + pixel, 1 + other);
  };
  if (x > 0) join(pixel - 1);
  if (y == 0) return;
  if (x > 0) join(pixel - frame.w - 1);
  join(pixel - frame.w);
  if (x + 1 < frame.w) join(pixel - frame.w + 1);
}

}  // namespace

void labels_v2_union_find(std::uint8_t* clean, std::int32_t* labels, ComponentCount* table, void* workspace,
                          const std::uint8_t* mask, const ComponentsParams& params, Stream stream) {
  const Frame frame{params.h, params.w};
  const LabelsWork work = place(workspace, clean, mask, params);
  const Launch pixels = over_pixels(frame, stream);
  launch(plant_background, pixels, work, mask, frame);
  launch(join_background, pixels, work, mask, frame);
  launch(plant_foreground, pixels, work, mask, frame);
  launch(join_foreground, pixels, work, frame);
  finish(clean, labels, table, work, params, stream);
}

}  // namespace giemsa::kernels
