// What a self-test computes: a picture and two narrow networks, made by code and therefore the same everywhere, and what
// they have to answer.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/base/frame.h"
#include "nets/model.h"
#include "nets/smear.h"

namespace giemsa::selftest {

/// A smear of 160x120 pixels: red cells, five white ones, noise. Painted with integers only.
Frame picture();

/// DeepLabv3+ on ResNet-50 and AlexNet, as the networks that come with Giemsa, with a quarter of their channels and
/// seeded random weights. Untrained, yet the picture's nuclei come out: their colour stands out of everything else, and
/// the last layer's bias is set between the two.
Model segmenter();
Model classifier();

/// How the networks are run on the picture.
SmearOptions options();

/// What the networks find in it.
struct KnownCell {
  int x, y, w, h;
  std::int64_t area;
  int class_index;
  std::array<float, 5> probabilities;
};
std::span<const KnownCell> known_cells();

/// SHA-256 of the label image, 16-bit values with the low byte first.
std::string_view known_labels_sha256();

}  // namespace giemsa::selftest
