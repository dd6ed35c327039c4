// A network as it sits in a file: named tensors plus everything that the tensors cannot show.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/graph.h"
#include "engine/tensor.h"

namespace giemsa {

/// Size at which a network sees a frame. Exactly one of the two is set.
struct InputSize {
  Size2 fixed;                 ///< this size, whatever the frame's aspect; {0,0}: not fixed
  std::int64_t long_side = 0;  ///< this long side, aspect kept, both sides rounded to multiples of the output stride

  /// The network's input for a frame of `frame` pixels. Sides are rounded half to even (Python's round), at least `multiple`.
  Size2 resolve(Size2 frame, std::int64_t multiple) const;

  /// "320" or "224x224" (width x height). Throws Error(usage).
  static InputSize parse(const std::string& text);
  std::string to_string() const;
};

/// What a converted file says about itself in `__metadata__`. Option values an architecture does not have are left at default.
struct ModelInfo {
  std::string arch;    ///< "deeplabv3plus", "deeplabv3", "alexnet"
  std::string preset;  ///< "smp", "vainf", ...
  std::vector<std::string> classes;
  InputSize input;
  ResizeFilter filter = ResizeFilter::bilinear;
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f}, std{0.229f, 0.224f, 0.225f};  ///< after division by 255
  std::map<std::string, std::string> options;  ///< the architecture's: output_stride, aspp_rates, align_corners, ...
  std::string dtype;                           ///< of the stored weights: "fp32", "fp16", "bf16", "int8"
  std::string source, source_sha256, converter;

  bool is_segmenter() const { return arch == "deeplabv3plus" || arch == "deeplabv3"; }
};

struct Model {
  ModelInfo info;
  std::map<std::string, Tensor> tensors;  ///< by state_dict key; views into the mapped file
  std::string file;                       ///< path as given, for messages and provenance
};

/// Opens a converted .safetensors file. Throws Error(model), in one line, where the file is damaged, is no Giemsa model, or lacks
/// or misspells metadata.
Model load_model(const std::filesystem::path& file);

/// Appends the network to `graph` and returns its logits: segmenters {1,classes,h,w} at the resolution of `input`,
/// classifiers {N,classes}. `input` is {N,3,h,w}, normalised. Throws Error(model), naming the layer, where a tensor is missing,
/// unexpected or of the wrong shape.
NodeId build_network(Graph& graph, NodeId input, const Model& model);

/// Multiple that a segmenter's input sides must have (its output stride; 1 for classifiers).
std::int64_t size_multiple(const ModelInfo& info);

/// A model of seeded random weights (He-scaled, batch norm near identity) for arch/preset at full width: what benchmarks use
/// when no weights are at hand.
Model random_model(const std::string& arch, const std::string& preset, std::uint64_t seed);

}  // namespace giemsa
