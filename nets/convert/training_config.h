// What a training library writes beside its weights.
#pragma once

#include <filesystem>

#include "nets/option_text.h"

namespace giemsa {

/// The options that `config.json` in `folder`, as segmentation_models_pytorch's save_pretrained() writes it, sets for
/// DeepLabV3Plus and DeepLabV3; none where there is no such file, or it is another's. Throws Error(model) where it
/// cannot be read, or asks for what no network here has.
OptionTexts read_training_config(const std::filesystem::path& folder);

}  // namespace giemsa
