#include "nets/convert/keys.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "nets/architecture.h"

namespace giemsa {

namespace {

bool fits_any(TensorMap tensors) {
  use_one_spelling(tensors);
  return std::ranges::any_of(architectures(), [&](const Architecture& row) {
    return std::ranges::any_of(row.presets, [&](const Preset& preset) { return preset.fits(tensors); });
  });
}

/// The first part of the keys ("model.") that more than half of them share; empty: there is none.
std::string majority_prefix(const TensorMap& tensors) {
  std::map<std::string_view, std::size_t> counts;
  for (const auto& [key, tensor] : tensors)
    if (const std::size_t dot = key.find('.'); dot != key.npos) ++counts[std::string_view(key).substr(0, dot + 1)];
  const auto most = std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
  return most != counts.end() && 2 * most->second > tensors.size() ? std::string(most->first) : std::string();
}

bool is_dispensable(std::string_view key) {
  constexpr std::array<std::string_view, 9> prefixes{"auxiliary_head.", "aux_classifier.", "classification_head.",
                                                     "encoder.fc.",     "backbone.fc.",    "criterion.",
                                                     "loss_fn.",        "loss.",           "metrics."};
  constexpr std::array<std::string_view, 3> names{"num_batches_tracked", "total_ops", "total_params"};
  return key == "n_averaged" ||
         std::ranges::any_of(prefixes, [&](std::string_view prefix) { return key.starts_with(prefix); }) ||
         std::ranges::any_of(names, [&](std::string_view name) {
           return key == name || (key.ends_with(name) && key[key.size() - name.size() - 1] == '.');
         });
}

/// What kind of network has such keys, if it is a well-known one.
std::string_view family_of(const TensorMap& tensors) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> signs{{
      {"features.1.conv.0.0.weight", "a MobileNetV2"},
      {"_conv_stem.weight", "an EfficientNet"},
      {"conv_stem.weight", "an EfficientNet or another of timm's networks"},
      {"features.denseblock1.denselayer1.conv1.weight", "a DenseNet"},
      {"block1.rep.0.pointwise.weight", "an Xception"},
      {"inc.double_conv.0.weight", "a U-Net"},
      {"layer1.0.conv1.weight", "a ResNet"},
      {"patch_embed.proj.weight", "a vision transformer"},
      {"features.28.weight", "a VGG-16"},
  }};
  for (const auto& [end, family] : signs)
    for (const auto& [key, tensor] : tensors)
      if (key == end || (key.ends_with(end) && key[key.size() - end.size() - 1] == '.')) return family;
  return {};
}

}  // namespace

std::vector<std::string> strip_prefix(TensorMap& tensors, const std::string& prefix) {
  TensorMap stripped;
  std::vector<std::string> others;
  for (auto& [key, tensor] : tensors) {
    if (key.size() > prefix.size() && key.starts_with(prefix))
      stripped.emplace(key.substr(prefix.size()), std::move(tensor));
    else
      others.push_back(key);
  }
  tensors = std::move(stripped);
  return others;
}

std::string strip_to_fit(TensorMap& tensors, std::vector<std::string>& skipped) {
  constexpr int deepest = 4;
  TensorMap rest = tensors;
  std::string stripped;
  std::vector<std::string> others;
  for (int depth = 0; depth <= deepest; ++depth) {
    if (fits_any(rest)) {
      tensors = std::move(rest);
      skipped.insert(skipped.end(), others.begin(), others.end());
      return stripped;
    }
    const std::string prefix = majority_prefix(rest);
    if (prefix.empty()) break;
    for (const std::string& key : strip_prefix(rest, prefix)) others.push_back(stripped + key);
    stripped += prefix;
  }
  return {};
}

std::vector<std::string> take_dispensable(TensorMap& tensors) {
  std::vector<std::string> keys;
  for (const auto& [key, tensor] : tensors)
    if (is_dispensable(key)) keys.push_back(key);
  for (const std::string& key : keys) tensors.erase(key);
  return keys;
}

OptionTexts use_one_spelling(TensorMap& tensors) {
  struct Spelling {
    std::string_view sign, from, to;
  };
  constexpr std::array<Spelling, 4> spellings{{
      {"encoder.model.conv1.weight", "encoder.model.", "encoder."},  // segmentation_models_pytorch on timm's networks
      {"decoder.aspp.convs.0.0.weight", "decoder.aspp.", "decoder.0."},  // its DeepLabV3, in some versions
      {"decoder.aspp.convs.0.0.weight", "decoder.conv.", "decoder.1."},
      {"decoder.aspp.convs.0.0.weight", "decoder.bn.", "decoder.2."},
  }};
  const bool is_timm = tensors.contains(std::string(spellings[0].sign));
  std::array<bool, spellings.size()> applies;
  std::ranges::transform(spellings, applies.begin(),
                         [&](const Spelling& spelling) { return tensors.contains(std::string(spelling.sign)); });
  TensorMap renamed;
  for (auto& [key, tensor] : tensors) {
    std::string name = key;
    for (std::size_t i = 0; i < spellings.size(); ++i)
      if (applies[i] && key.starts_with(spellings[i].from))
        name = cat(spellings[i].to, key.substr(spellings[i].from.size()));
    renamed.insert_or_assign(std::move(name), std::move(tensor));
  }
  tensors = std::move(renamed);
  return is_timm ? OptionTexts{{"dilation", "contracted"}} : OptionTexts{};
}

std::string describe_keys(const TensorMap& tensors) {
  constexpr std::size_t shown = 3;
  std::string text = "its keys are ";
  std::size_t count = 0;
  for (const auto& [key, tensor] : tensors) {
    if (count == shown) break;
    text += cat(count++ ? ", " : "", in_quotes(key), ' ', tensor.shape());
  }
  if (tensors.size() > shown) text += cat(" and ", tensors.size() - shown, " more");
  if (const std::string_view family = family_of(tensors); !family.empty())
    text += cat("; it seems to be made of ", family);
  return text;
}

}  // namespace giemsa
