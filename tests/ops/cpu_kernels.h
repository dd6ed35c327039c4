// The CPU's kernels under a short name, and the engine's types as theirs.
#pragma once

#include "engine/base/region.h"
#include "engine/ops/crop_resize.h"
#include "engine/ops/preprocess.h"
#include "kernels/cpu/imaging/components.h"
#include "kernels/cpu/imaging/crop_resize.h"

namespace giemsa::test {

namespace cpu = kernels::cpu;

inline cpu::Extent cpu_extent(Size2 size) {
  return {size.h, size.w};
}
inline cpu::ResizeFilter cpu_filter(ResizeFilter filter) {
  return filter == ResizeFilter::bicubic ? cpu::ResizeFilter::bicubic : cpu::ResizeFilter::bilinear;
}
inline cpu::PreprocessParams cpu_params(const Preprocess& op) {
  return {cpu_extent(op.output), cpu_filter(op.filter), op.mean, op.std, op.channels == ChannelOrder::bgr};
}
inline cpu::CropResizeParams cpu_params(const CropResize& op) {
  return {cpu_extent(op.output),           op.mode == CropMode::matlab, cpu_filter(op.filter), op.mean, op.std,
          op.channels == ChannelOrder::bgr};
}

/// The table of components that starts at `table`.
inline cpu::ComponentCount* component_table(Region* table) {
  static_assert(sizeof(Region) == sizeof(cpu::ComponentRecord));
  return reinterpret_cast<cpu::ComponentCount*>(table);
}

}  // namespace giemsa::test
