// The safetensors format (github.com/huggingface/safetensors): u64 header length, JSON header, tensors without gaps.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "engine/base/tensor.h"
#include "weights/mapped_file.h"

namespace giemsa {

using TensorMap = std::map<std::string, Tensor>;  ///< by name

struct TensorFile {
  TensorMap tensors;  ///< their bytes mostly lie in the mapped file
  std::map<std::string, std::string> metadata;
};

/// Tensors are views that share the file's owner; one that is misaligned for its element type is copied.
/// Throws ErrorKind::model unless every rule of the format holds: one valid header, no duplicate keys, known element
/// types, and data offsets that cover the rest of the file without hole or overlap.
TensorFile read_safetensors(const std::filesystem::path& path);
TensorFile read_safetensors(const FileBytes& file);

/// Writes atomically: a new file in the same folder, synced, then renamed over `path`. The data start at a multiple of
/// 64 bytes: tensors that are a multiple of that long, then the others, either by falling element size, then by name,
/// so that every view is aligned. The same input gives the same bytes. Throws ErrorKind::output.
void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace giemsa
