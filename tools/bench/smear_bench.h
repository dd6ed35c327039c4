// Latency of the whole way of an image: encoded bytes to named cells.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nets/smear.h"
#include "tools/bench/calls.h"
#include "tools/bench/report.h"
#include "tools/image_io/find_images.h"

namespace giemsa::bench {

/// An image as it would come from a file. Decoding is part of what is measured, reading from disk is not.
struct EncodedImage {
  std::string name;
  std::vector<std::uint8_t> bytes;
};

/// Throws Error(image), naming it, where one cannot be read or decoded.
std::vector<EncodedImage> read_images(const std::vector<ImageFile>& files);

/// Synthetic smears of seeds 1, 2, ..., as PNG.
std::vector<EncodedImage> generate_images(int count, int width, int height);

/// Adds the series "decode", "segment", "postprocess", "classify", "identify" (the three before and what lies between
/// them), "total" (decode and identify), "first_call" (with what is compiled for the image's size) and "after_idle" to
/// `report`, what was verified, and the machine's state. Throws Error(internal) where an image gives different cells
/// twice or a probability is not finite.
void bench_smear(Smear& smear, const std::vector<EncodedImage>& images, const Schedule& schedule, Report& report);

}  // namespace giemsa::bench
