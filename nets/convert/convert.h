// From a checkpoint as people have it to one self-describing file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "nets/model_info.h"

namespace giemsa {

struct ConvertOptions {
  std::filesystem::path source;  ///< .pt, .pth, .safetensors, or a folder that holds model.safetensors
  std::filesystem::path target;  ///< .safetensors
  std::string arch, preset;
  /// What to assume instead of the preset's values, by name, as text: "classes", "dtype", "input_size", "mean", "std",
  /// "filter", "channels", "background", "cells", and the options of the architecture (nets/network_options.h):
  /// "output_stride", "aspp_rates", "align_corners", ...
  std::map<std::string, std::string> overrides = {};
  std::string key = {};    ///< of several state_dicts in the file, the one to take; empty: see torch_state.h
  std::string strip = {};  ///< prefix of the keys to take off; empty: whatever most keys share until a preset fits
};

/// One value that the checkpoint itself does not tell.
struct Assumption {
  std::string name, value,
      origin;  ///< origin: "preset", "given", "checkpoint", "config.json", "names" (of the classes) or "default"
};

struct ConvertReport {
  ModelInfo info;
  std::vector<Assumption> assumptions;
  std::vector<std::string> notes;    ///< what else a person has to know
  std::vector<std::string> skipped;  ///< keys that inference does without
  std::string stripped;              ///< prefix taken off the keys beyond the usual ones
  std::string taken;                 ///< key of the state_dict in the file; empty: none
  std::vector<std::string> others;   ///< keys of other weights in the file
  std::size_t tensors = 0;
  std::int64_t parameters = 0;
  std::uintmax_t bytes = 0;  ///< of the file written
  std::string format;        ///< of the checkpoint
};

/// Reads, checks by building the network, stores in the wanted precision, and writes atomically.
///
/// dtype fp32, fp16 and bf16 apply to convolution and linear weights; int8 to linear weights, where the network has
/// any: one symmetric scale per row in `<layer>.weight_scale`, with fp16 convolutions. Vectors (biases, batch norms)
/// stay fp32. By default weights keep the checkpoint's precision.
///
/// Throws Error(usage) for options that are unknown or do not go together, Error(model) where the checkpoint cannot be
/// read, does not fit the preset, holds a value that is not finite or is lost in the wanted precision, Error(output)
/// where the file cannot be written.
ConvertReport convert(const ConvertOptions& options);

/// For people: every assumption, counts, what was left out.
std::string to_text(const ConvertReport& report);

}  // namespace giemsa
