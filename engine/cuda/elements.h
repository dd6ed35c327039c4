// The element types of what kernels/ reads and writes.
#pragma once

#include "engine/plan/layout.h"
#include "kernels/components.h"
#include "kernels/crop_resize.h"

namespace giemsa {

template <>
inline constexpr std::optional<DType> element_of<kernels::Half> = DType::f16;
template <>
inline constexpr std::optional<DType> element_of<kernels::CropBox> = DType::i32;
template <>
inline constexpr std::optional<DType> element_of<kernels::ComponentCount> = DType::i32;

}  // namespace giemsa
