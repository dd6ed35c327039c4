// CRC-32 as zip files carry it (reflected polynomial 0xEDB88320).
#pragma once

#include <cstdint>
#include <string>

#include "weights/byte_view.h"

namespace giemsa {

std::uint32_t crc32(ByteView bytes);

/// The same as eight lower-case hexadecimal digits.
std::string crc32_digits(ByteView bytes);

}  // namespace giemsa
