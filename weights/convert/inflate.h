// Decompression of DEFLATE (RFC 1951), for zip archives that were packed anew.
#pragma once

#include <cstdint>
#include <vector>

#include "weights/byte_view.h"

namespace giemsa {

/// What `compressed` unpacks to, which has to be `size` bytes. Throws ErrorKind::model where the data are damaged or of
/// another size; allocates no more than that.
std::vector<std::byte> inflate(ByteView compressed, std::uint64_t size);

}  // namespace giemsa
