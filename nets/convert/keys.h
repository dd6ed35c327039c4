// The keys of a checkpoint: which belong to the network, and what stands in front of them.
#pragma once

#include <string>
#include <vector>

#include "nets/option_text.h"
#include "weights/safetensors.h"

namespace giemsa {

/// Takes `prefix` off every key that has it; removes and returns the others.
std::vector<std::string> strip_prefix(TensorMap& tensors, const std::string& prefix);

/// Takes off whatever most keys start with, part by part ("module.", "net.segmenter."), until a preset of some
/// architecture fits; the keys that lack it are removed and added to `skipped`. Where none fits nothing changes.
/// Returns the prefix.
std::string strip_to_fit(TensorMap& tensors, std::vector<std::string>& skipped);

/// Removes what inference does without (counters, auxiliary heads, losses, the backbone's own classifier) and returns
/// its keys.
std::vector<std::string> take_dispensable(TensorMap& tensors);

/// Gives keys that a family has spelt in several ways the spelling that its preset has, and says what else they show of
/// the network, as options by name.
OptionTexts use_one_spelling(TensorMap& tensors);

/// What a checkpoint that fits no preset seems to be, for an error: "its keys are 'a.weight', 'b.bias' and 40 more;
/// ...".
std::string describe_keys(const TensorMap& tensors);

}  // namespace giemsa
