// Images through a Smear, with decoding and delivery on threads of their own.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <span>

#include "nets/smear.h"
#include "tools/image_io/decode.h"
#include "tools/image_io/find_images.h"
#include "tools/run/results.h"

namespace giemsa {

/// An image on its way.
struct Identified {
  const ImageFile* input = nullptr;
  ImageResult result;
  Frame frame;    ///< empty where the image failed or its result was known
  Labels labels;  ///< likewise
  bool was_known = false;
};

/// A result that need not be computed again, if there is one. Called on the decoding thread.
using KnownResult = std::function<std::optional<ImageResult>(const ImageFile&)>;

/// Called in the order of the inputs, on the delivering thread.
using Deliver = std::function<void(Identified&)>;

/// Decodes the next images while one is identified and the one before is delivered. An image that cannot be used is
/// delivered with its error. Whatever else goes wrong, in `deliver` too, ends the run and is thrown here after all
/// threads have ended; what was identified by then is delivered. Once `stop` is set no further image is identified.
void identify_images(std::span<const ImageFile> inputs, const DecodeLimits& limits, Smear& smear,
                     const KnownResult& known, const Deliver& deliver, const std::atomic<bool>& stop);

}  // namespace giemsa
