// Cutting a box out of a picture, pixel by pixel.
#pragma once

#include "tests/ref/resize.h"

namespace giemsa::ref {

/// The pixels of `in` with x0 <= x < x0 + w (matlab: one more column and row) that exist.
inline Picture crop(const Picture& in, std::int64_t x0, std::int64_t y0, std::int64_t w, std::int64_t h,
                    CropMode mode) {
  const std::int64_t more = mode == CropMode::matlab;
  const auto inside = [](std::int64_t at, std::int64_t from, std::int64_t extent, std::int64_t limit) {
    return at >= from && at < from + extent && at < limit;
  };
  std::int64_t rows = 0, columns = 0;
  for (std::int64_t y = 0; y < in.size.h; ++y) rows += inside(y, y0, h + more, in.size.h);
  for (std::int64_t x = 0; x < in.size.w; ++x) columns += inside(x, x0, w + more, in.size.w);
  Picture out({rows, columns});
  const std::int64_t top = std::max<std::int64_t>(y0, 0), left = std::max<std::int64_t>(x0, 0);
  for (std::int64_t y = 0; y < rows; ++y)
    for (std::int64_t x = 0; x < columns; ++x)
      for (std::int64_t c = 0; c < 3; ++c) out.at(y, x, c) = in.at(top + y, left + x, c);
  return out;
}

}  // namespace giemsa::ref
