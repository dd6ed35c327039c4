// A network as it sits in a file: named tensors plus everything that the tensors cannot show.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/graph/graph.h"
#include "nets/model_info.h"
#include "weights/mapped_file.h"
#include "weights/safetensors.h"

namespace giemsa {

struct Model {
  ModelInfo info;
  TensorMap tensors;  ///< by state_dict key; views into the mapped file
  std::string file;   ///< path as given, for messages and provenance
};

/// Opens a converted .safetensors file. Throws Error(model), in one line, where the file is damaged, is no Giemsa
/// model, or lacks or misspells metadata.
Model load_model(const std::filesystem::path& file);
Model load_model(const FileBytes& file);

/// Appends the network to `graph` and returns its logits: segmenters {1,classes,h,w} at the resolution of `input`
/// (classes may be 1: the logit of the second class), classifiers {N,classes}. `input` is {N,3,h,w}, normalised. Throws
/// Error(model), naming the layer, where a tensor is missing, unexpected or of the wrong shape; Error(usage) where the
/// input's size does not fit.
ValueId build_network(Graph& graph, ValueId input, const Model& model);

/// What a centre head gives, {N,3,h,w}, in a graph to which build_network appended `model`; none where the model has no
/// such head (nets/deeplab/deeplab.h).
std::optional<ValueId> centre_offsets(const Graph& graph, const Model& model);

/// Whether there is one.
bool has_centre_head(const ModelInfo& info);

/// Behind the name of a result: the tensor, one fp32 value, that says what a step of it in 8 bits stands for. The
/// network's input is called "input".
constexpr std::string_view activation_scale_suffix = ".activation_scale";

/// Throws Error(model) that says what to do where `precision` needs scales of activations and the model has none.
void check_scales(const Model& model, DType precision);

/// `model` with these scales, by name of the result, in place of those that it may have. `note` says how they were
/// made.
Model with_scales(Model model, const std::map<std::string, float>& scales, std::string note);

/// Writes a model file, atomically. Throws Error(output).
void save_model(const Model& model, const std::filesystem::path& file);

/// Multiple that a segmenter's input sides must have (its output stride; 1 for classifiers).
std::int64_t size_multiple(const ModelInfo& info);

/// A model of seeded random weights (He-scaled, batch norm near identity) for arch/preset: what benchmarks use when no
/// weights are at hand. Layers have one `narrowing`-th of their channels, which has to divide all of them but those of
/// the image and of the classes. `options` by name are those that are not the preset's; without `classes` it has our own.
Model random_model(const std::string& arch, const std::string& preset, std::uint64_t seed, std::int64_t narrowing = 1,
                   const OptionTexts& options = {}, const std::vector<std::string>& classes = {});

}  // namespace giemsa
