// A model as ONNX: what other runtimes read.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "nets/model.h"
#include "nets/onnx/protobuf.h"

namespace giemsa {

struct OnnxReport {
  ModelInfo info;
  Shape input, output;  ///< of one image; the file leaves the batch open
  std::string output_name;
  std::size_t nodes = 0;     ///< of our graph
  std::uintmax_t bytes = 0;  ///< of the file written
};

/// The file's bytes: `graph` as built, before any pass, with its input's and outputs' first extent left open. Layers,
/// values and constants keep their names. Throws Error(internal) where the graph holds an op that no network has.
Message to_onnx(const Graph& graph, const std::map<std::string, std::string>& metadata);

/// Builds the network at `size` (default: the model's own) and writes it atomically. The file's metadata are the
/// model's, but for dtype and input_size, which say what this file holds, and "model_sha256", the digest of the file it
/// came from. Throws Error(usage) where the size does not fit the network, Error(output) where the file cannot be
/// written.
OnnxReport export_onnx(const Model& model, const std::optional<InputSize>& size, const std::filesystem::path& target);

/// For people: what the file holds.
std::string to_text(const OnnxReport& report);

}  // namespace giemsa
