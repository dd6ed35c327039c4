// A checksum over everything in a model file, kept in its own metadata: a flipped bit in a weight would otherwise give
// wrong cells, not an error.
#pragma once

#include <map>
#include <string>

#include "engine/base/tensor.h"

namespace giemsa {

/// The metadata entry that holds the seal.
constexpr const char* seal_key = "crc32";

/// Eight hexadecimal digits over all other metadata and over every tensor's name, type, shape and bytes; how the file
/// orders them does not matter.
std::string seal_of(const std::map<std::string, Tensor>& tensors, const std::map<std::string, std::string>& metadata);

/// Throws Error(model) where the seal is missing or does not fit.
void check_seal(const std::map<std::string, Tensor>& tensors, const std::map<std::string, std::string>& metadata);

}  // namespace giemsa
