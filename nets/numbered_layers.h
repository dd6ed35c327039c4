// Layers that a Sequential numbers: "features.0", "classifier.6.1".
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "weights/safetensors.h"

namespace giemsa {

/// Whether `name` is one of `stems` and behind it a number, or several with dots between: of the stems "conv" and
/// "classifier." the names "conv1" and "classifier.6.1". Nothing else could be told from the names that a graph gives
/// to layers without weights.
bool is_numbered(std::string_view name, std::initializer_list<std::string_view> stems);

/// Names `<stem>N`, `<stem>N.M`, ... of layers whose weight among `tensors` has `rank` extents, in the order of their
/// numbers.
std::vector<std::string> numbered_layers(const TensorMap& tensors, std::string_view stem, int rank);

/// Whether `a` comes before `b`: part by part between the dots, numbers by their value.
bool comes_before(const std::string& a, const std::string& b);

/// Whether `b` is what a Sequential holds right behind `a`, as "fc.1" behind "fc.0" or "fc.1.0" behind "fc.0".
bool are_neighbours(std::string_view a, std::string_view b);

}  // namespace giemsa
