// Step 1: every pixel starts with its own number and takes, launch after launch, the smallest among its neighbours,
// until a launch changes nothing. First the background does, 4-connected and from the edge inwards, where a pixel that
// never hears of the edge is a hole; then the filled foreground, 8-connected.
//
// A launch moves >= 8 bytes per pixel and reaches one pixel further: as many launches as the longest shortest path
// within a component has pixels, hundreds for the background of a frame, thousands for a spiral, and after each the
// host must look at a flag before it may start the next. That round trip limits it, whatever the mask's size; CuPy's
// binary_fill_holes works like this. Two buffers take turns, so that the number of launches is the mask's alone.
#include <utility>

#include "kernels/ladder/labels_parts.h"
#include "kernels/ladder/read_back.h"

namespace giemsa::kernels {

namespace {

using namespace ladder;

constexpr int wall = 0x7fffffff;  // a foreground pixel, while the background spreads

// A thread numbers a pixel of the background; those at the edge are outside.
__global__ void __launch_bounds__(threads_a_block)
    number_background(int* numbers, const std::uint8_t* mask, Frame frame) {
  const int pixel = own_pixel();
  if (pixel >= frame.pixels()) return;
  numbers[1 + pixel] = mask[pixel] != 0 ? wall : at_edge(frame, pixel) ? outside : 1 + pixel;
}

// A thread numbers a pixel of the foreground, which holes now belong to.
__global__ void __launch_bounds__(threads_a_block) number_foreground(int* numbers, const int* background, Frame frame) {
  const int pixel = own_pixel();
  if (pixel >= frame.pixels()) return;
  numbers[1 + pixel] = background[1 + pixel] != outside ? 1 + pixel : outside;
}

// A thread gives a pixel the smallest number around it. `none` is the number of pixels that take no part.
template <bool diagonals, int none>
__global__ void __launch_bounds__(threads_a_block) spread(int* to, int* changed, const int* from, Frame frame) {
  const int pixel = own_pixel();
  if (pixel >= frame.pixels()) return;
  const int before = from[1 + pixel], y = pixel / frame.w, x = pixel - y * frame.w;
  int smallest = before;
  if (before != none)
    for (int dy = -1; dy <= 1; ++dy)
      for (int dx = -1; dx <= 1; ++dx) {
        if (!diagonals && dy != 0 && dx != 0) continue;
        if (y + dy < 0 || y + dy >= frame.h || x + dx < 0 || x + dx >= frame.w) continue;
        const int other = from[1 + pixel + dy * frame.w + dx];
        if (other != none) smallest = min(smallest, other);
      }
  to[1 + pixel] = smallest;
  if (smallest != before) *changed = 1;  // all that write it write the same
}

/// Spreads `numbers` to its fixed point; `spare` is overwritten.
template <bool diagonals, int none>
void spread_all(int*& numbers, int*& spare, int* changed, const Frame& frame, Stream stream) {
  int more = 1;
  while (more != 0) {
    fill_bytes(changed, 0, sizeof *changed, stream);
    launch(spread<diagonals, none>, over_pixels(frame, stream), spare, changed, numbers, frame);
    std::swap(numbers, spare);
    read_back(&more, changed, sizeof more, stream);
  }
}

}  // namespace

void labels_v1_propagation(std::uint8_t* clean, std::int32_t* labels, ComponentCount* table, void* workspace,
                           const std::uint8_t* mask, const ComponentsParams& params, Stream stream) {
  const Frame frame{params.h, params.w};
  LabelsWork work = place(workspace, clean, mask, params);
  const Launch pixels = over_pixels(frame, stream);
  launch(number_background, pixels, work.background, mask, frame);
  spread_all<false, wall>(work.background, work.parent, work.changed, frame, stream);
  launch(number_foreground, pixels, work.parent, work.background, frame);
  spread_all<true, outside>(work.parent, work.background, work.changed, frame, stream);
  fill_bytes(work.parent, 0, sizeof(int), stream);  // outside is its own parent
  finish(clean, labels, table, work, params, stream);
}

}  // namespace giemsa::kernels
