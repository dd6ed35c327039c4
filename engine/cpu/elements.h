// The element types of what kernels/cpu reads and writes.
#pragma once

#include "engine/plan/layout.h"
#include "kernels/cpu/elements.h"
#include "kernels/cpu/imaging/components.h"
#include "kernels/cpu/imaging/crop_resize.h"

namespace giemsa {

template <>
inline constexpr std::optional<DType> element_of<kernels::cpu::Bf16> = DType::bf16;
template <>
inline constexpr std::optional<DType> element_of<kernels::cpu::Box> = DType::i32;
template <>
inline constexpr std::optional<DType> element_of<kernels::cpu::ComponentCount> = DType::i32;

}  // namespace giemsa
