// Small pictures for pages.
#pragma once

#include "engine/base/box.h"
#include "engine/base/frame.h"

namespace giemsa {

/// `frame` shrunk by the whole factor that makes no side longer than `longest`: means of squares of pixels, of which
/// incomplete ones at the right and bottom are dropped.
Frame shrunk(const Frame& frame, int longest);

/// The pixels of `box` and of `margin` around it, as far as the frame has them.
Frame cut_out(const Frame& frame, const Box& box, int margin);

}  // namespace giemsa
