// How the product's fused cleanup came to be, step by step. Each step computes what clean_and_label() of
// kernels/components.h does: holes filled, small components dropped, the rest numbered in raster order and measured.
// The step after the last is clean_and_label() itself: both colours in one forest of row words, sums gathered in shared
// memory, five launches.
//
//   file                         against the step before
//   labels_v1_propagation.cu     the smallest label spreads by a pixel a launch; the host waits for the fixed point
//   labels_v2_union_find.cu      pixels join trees in global memory: a number of launches that no mask changes
//   labels_v3_tiles.cu           trees grow within tiles in shared memory, then across their boundaries
//
// In all three the background is labelled first, to find holes, and then the foreground; labels_finish.cu does what
// follows, the same for each: pixel by pixel, by global atomics.
#pragma once

#include "kernels/components.h"

namespace giemsa::kernels {

/// About 34 bytes per pixel.
std::size_t labels_ladder_workspace_bytes(const ComponentsParams& params);

/// As clean_and_label(), but `clean` is not `mask`, and the workspace's size is the one above. The first returns only
/// when the device has finished.
void labels_v1_propagation(std::uint8_t* clean, std::int32_t* labels, ComponentCount* table, void* workspace,
                           const std::uint8_t* mask, const ComponentsParams& params, Stream stream);
void labels_v2_union_find(std::uint8_t* clean, std::int32_t* labels, ComponentCount* table, void* workspace,
                          const std::uint8_t* mask, const ComponentsParams& params, Stream stream);
void labels_v3_tiles(std::uint8_t* clean, std::int32_t* labels, ComponentCount* table, void* workspace,
                     const std::uint8_t* mask, const ComponentsParams& params, Stream stream);

struct LabelsStep {
  const char *name, *change;
  void (*run)(std::uint8_t*, std::int32_t*, ComponentCount*, void*, const std::uint8_t*, const ComponentsParams&,
              Stream);
};
inline constexpr LabelsStep labels_steps[] = {
    {"v1 propagation", "labels spread by a pixel a launch, until the host sees no change", labels_v1_propagation},
    {"v2 union-find", "pixels join trees in global memory", labels_v2_union_find},
    {"v3 tiles", "trees grow in shared memory, then across tiles", labels_v3_tiles},
};

}  // namespace giemsa::kernels
