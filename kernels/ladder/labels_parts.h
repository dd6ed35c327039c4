// What the steps of labels_ladder.h share: workspace, and what follows once every pixel has a parent.
#pragma once

#include "kernels/components_forest.h"
#include "kernels/ladder/labels_ladder.h"

namespace giemsa::kernels::ladder {

using components::Frame;
using components::outside;
using components::Statistics;

inline constexpr int threads_a_block = 256;

/// Forests are arrays of parents by node, as in components_forest.h: node 1 + pixel, 0 for what is outside.
struct LabelsWork {
  int* parent;             ///< of the foreground; of all else: outside
  int* background;         ///< parents of the background
  int* numbers;            ///< labels, by the root's cell; 0 where the component is too small
  int* kept_before;        ///< by block of pixels: roots that are kept, at last those in blocks before
  int* changed;            ///< a flag for the host
  Statistics* statistics;  ///< by the root's cell
};

constexpr int blocks_of(const Frame& frame) {
  return ceil_div(frame.pixels(), threads_a_block);
}

/// One thread per pixel.
inline Launch over_pixels(const Frame& frame, Stream stream) {
  return {.grid = {blocks_of(frame)}, .block = {threads_a_block}, .stream = stream};
}

/// This thread's pixel; the last block has threads past the end.
__device__ inline int own_pixel() {
  return static_cast<int>(blockIdx.x * threads_a_block + threadIdx.x);
}

/// A pixel of the edge: background there is no hole.
__device__ inline bool at_edge(const Frame& frame, int pixel) {
  const int y = pixel / frame.w, x = pixel - y * frame.w;
  return y == 0 || y == frame.h - 1 || x == 0 || x == frame.w - 1;
}

/// Checks the parameters and lays out the workspace. Throws std::invalid_argument.
LabelsWork place(void* workspace, const std::uint8_t* clean, const std::uint8_t* mask, const ComponentsParams& params);

/// From the foreground's forest to all that clean_and_label() gives. Six launches.
void finish(std::uint8_t* clean, std::int32_t* labels, ComponentCount* table, const LabelsWork& work,
            const ComponentsParams& params, Stream stream);

}  // namespace giemsa::kernels::ladder
