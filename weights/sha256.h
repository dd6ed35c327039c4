// SHA-256 (FIPS 180-4): the provenance of a converted model.
#pragma once

#include <string>

#include "weights/byte_view.h"

namespace giemsa {

enum class Sha256Code { fastest, portable };

/// 64 lower-case hexadecimal digits. `fastest` uses the x86 SHA instructions where the processor has them (2 GB/s,
/// against 0.3); `portable` never does, for tests to compare.
std::string sha256(ByteView bytes, Sha256Code code = Sha256Code::fastest);

}  // namespace giemsa
