// A picture of seeded pixels.
#pragma once

#include "tests/ops/random.h"
#include "tests/ref/resize.h"

namespace giemsa::test {

inline ref::Picture random_picture(Size2 size, std::uint64_t seed) {
  ref::Picture picture(size);
  picture.rgb = Random(seed).integers<std::uint8_t>(size.h * size.w * 3);
  return picture;
}

}  // namespace giemsa::test
