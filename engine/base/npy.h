// NumPy's .npy: the format of activation dumps, since everything reads it.
#pragma once

#include <filesystem>

#include "engine/base/tensor.h"

namespace giemsa {

/// Writes fp32, uint8 or int32, row-major. Throws Error(output).
void write_npy(const std::filesystem::path& file, const Tensor& tensor);

/// Reads what write_npy writes (version 1.0, little endian, C order). Throws Error(model).
Tensor read_npy(const std::filesystem::path& file);

}  // namespace giemsa
