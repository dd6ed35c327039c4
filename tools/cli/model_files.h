// Which model files a command takes, and what they are.
#pragma once

#include <filesystem>
#include <future>
#include <string>

#include "nets/model.h"
#include "tools/run/results.h"

namespace giemsa {

/// The networks that come with Giemsa, by file name.
inline constexpr const char* shipped_segmenter = "deeplabv3plus_resnet50_wbc.safetensors";
inline constexpr const char* shipped_classifier = "alexnet_wbc.safetensors";

/// `given`, or where it is empty the shipped file: in $GIEMSA_MODELS if that is set, else in ../weights/pretrained or
/// ../share/giemsa/weights beside the executable. Throws Error(model) that says where it looked.
std::filesystem::path find_model(const std::string& given, const char* shipped);

/// load_model, but a PyTorch checkpoint gets told how to become a model.
Model open_model(const std::filesystem::path& file);

/// The same of a classifier, adapted by the laboratory profile in the file `profile` unless that is empty.
Model open_classifier(const std::filesystem::path& file, const std::string& profile);

/// Computes the SHA-256 of a file on a thread of its own. The future throws Error(model).
std::future<std::string> sha256_of_file(const std::filesystem::path& file);

/// What is known at once; `sha256` stays empty.
ModelFile describe(const Model& model);

}  // namespace giemsa
