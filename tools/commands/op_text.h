// An op as a few words, the way people write layers: "conv2d 3x3/2 p1 relu".
#pragma once

#include <string>

#include "engine/op.h"

namespace giemsa {

/// Kernel, /stride, p(adding), d(ilation), g(roups) where they are not the plain ones, then what is fused in.
std::string describe(const Op& op);

}  // namespace giemsa
