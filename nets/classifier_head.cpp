#include "nets/classifier_head.h"

#include <algorithm>

#include "nets/numbered_layers.h"

namespace giemsa {

namespace {

constexpr std::string_view weight_suffix = ".weight";

const Shape& weight_shape(const TensorMap& tensors, const std::string& layer) {
  return tensors.at(layer + std::string(weight_suffix)).shape();
}

bool is_below(std::string_view name, std::string_view prefix) {
  return name == prefix || (name.size() > prefix.size() && name.starts_with(prefix) && name[prefix.size()] == '.');
}

}  // namespace

std::vector<std::string> head_layers(const TensorMap& tensors, std::string_view prefix) {
  std::vector<std::string> left;
  for (const auto& [key, tensor] : tensors)
    if (key.ends_with(weight_suffix) && tensor.shape().rank() == 2 &&
        is_below(std::string_view(key).substr(0, key.size() - weight_suffix.size()), prefix))
      left.push_back(key.substr(0, key.size() - weight_suffix.size()));
  std::ranges::stable_sort(left, comes_before);

  // The first layer is one whose features no other gives; without one, numbers alone decide.
  std::vector<std::string> chain;
  const auto follows = [&](const std::string& layer) {
    if (!chain.empty()) return weight_shape(tensors, layer)[1] == weight_shape(tensors, chain.back())[0];
    return std::ranges::none_of(left, [&](const std::string& other) {
      return other != layer && weight_shape(tensors, other)[0] == weight_shape(tensors, layer)[1];
    });
  };
  const std::vector<std::string> by_number = left;
  while (!left.empty()) {
    const auto next = std::ranges::find_if(left, follows);
    if (next == left.end()) return by_number;
    chain.push_back(*next);
    left.erase(next);
  }
  return chain;
}

void check_head(const std::vector<std::string>& names, std::string_view prefix, const char* option, ErrorKind kind) {
  for (const std::string& name : names) {
    const bool is_ours = name.ends_with(".relu") || name.ends_with('.');  // which the graph adds
    check(is_below(name, prefix) && !is_ours && std::ranges::count(names, name) == 1, kind, option, ": ",
          in_quotes(name), " is not the name of one layer: ", prefix, " or ", prefix, ".NAME");
  }
}

ValueId add_head(Layers& layers, ValueId x, const std::vector<std::string>& names, std::int64_t hidden,
                 std::int64_t classes) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool last = i + 1 == names.size();
    x = layers.linear(names[i], x, last ? classes : hidden);
    if (!last && !are_neighbours(names[i], names[i + 1])) x = layers.add(names[i] + ".relu", Relu{}, {x});
  }
  return x;
}

ValueId add_pooled_head(Layers& layers, ValueId x, const std::vector<std::string>& names, std::int64_t classes) {
  constexpr std::int64_t usual_hidden = 512;  // features between two fully connected layers; their tensors decide
  x = layers.add("avgpool", AdaptiveAvgPool{{1, 1}}, {x});  // -> {N,K,1,1}
  x = layers.add("flatten", Flatten{}, {x});                // -> {N,K}
  return add_head(layers, x, names, usual_hidden, classes);
}

void check_fixed_input(const ModelInfo& info, ErrorKind kind) {
  check(info.input.long_side == 0, kind, "input size: ", info.arch, " needs WIDTHxHEIGHT, not the long side ",
        info.input.to_string());
}

}  // namespace giemsa
