// Frame -> network input: resample, reorder the colours, then (x / 255 - mean) / std, in fp32 as torchvision computes
// it. The second pass of the resampling normalises each row while it is in the cache; a level has one of 256 values, so
// a table does the arithmetic.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cpu/imaging/resize.h"

namespace giemsa::kernels::cpu {

/// value[c][x] = (x / 255 - mean[c]) / std[c] of channel c of the result, which is channel source[c] of the frame.
struct Normalisation {
  Normalisation(const std::array<float, 3>& mean, const std::array<float, 3>& std, bool bgr);
  float value[3][256];
  std::int64_t source[3];
};

/// Writes a row of `width` pixels of three channels at `out` from a row of RGB bytes.
void normalise_row(const Normalisation& table, const std::uint8_t* rgb, std::int64_t width, float* out);

struct PreprocessParams {
  Extent output;
  ResizeFilter filter = ResizeFilter::bilinear;
  std::array<float, 3> mean{}, std{1, 1, 1};  ///< of the result's channels
  bool bgr = false;                           ///< the result's channels are blue, green, red
};

/// Resamples and normalises frames of one size.
class Preprocessor {
 public:
  Preprocessor(const PreprocessParams& params, Extent frame);
  Preprocessor(const Preprocessor&) = delete;
  Preprocessor& operator=(const Preprocessor&) = delete;

  std::size_t scratch_bytes() const;

  /// `frame` u8 {H,W,3} -> `out` {h,w,3} of params.output.
  void run(const std::uint8_t* frame, float* out, std::span<std::byte> scratch) const;

 private:
  Extent in_, out_;
  Normalisation normalisation_;
  std::vector<std::byte> tables_;
  ResizePlan plan_;
};

}  // namespace giemsa::kernels::cpu
