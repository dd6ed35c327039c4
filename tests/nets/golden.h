// Networks with PyTorch's activations (tools/goldens.py), and how far a backend may be from them.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/run/session.h"
#include "nets/convert/convert.h"
#include "nets/model.h"

namespace giemsa::test {

struct Golden {
  std::string name;
  TensorMap activations;
  std::map<std::string, std::string> metadata;
};

std::vector<std::filesystem::path> golden_folders();
Golden read_golden(const std::filesystem::path& folder);

/// How the golden's checkpoint is to be converted.
ConvertOptions told(const Golden& golden, const std::filesystem::path& folder, const std::filesystem::path& target);

/// The golden's network with weights in fp32.
Model golden_model(const Golden& golden, const std::filesystem::path& folder);

/// Roundings between the graph's inputs and each value, along the longest path: the products and sums of a convolution
/// or linear layer, and a handful elsewhere. `sums_are_wider`: sums are in fp32 and count for nothing.
std::map<std::string, double> roundings(const Graph& graph, bool sums_are_wider);

struct Difference {
  double worst = 0, largest = 0;  ///< greatest deviation and greatest golden magnitude
};
Difference difference(const Tensor& actual, const Tensor& golden);

/// Runs the network on the golden input and compares each value that the golden has. Returns the names compared.
/// Tolerance: unit roundoff times the roundings on the way times the layer's largest magnitude, which bounds what
/// He-scaled layers (gain about one) pass on. In fp16 sums are fp32, so that a layer rounds its input, its weights and
/// its result only. `look` is shown the session.
std::set<std::string> compare_with_golden(const Golden& golden, const Model& model, Backend& backend, bool optimized,
                                          const std::function<void(Session&)>& look = {});

}  // namespace giemsa::test
