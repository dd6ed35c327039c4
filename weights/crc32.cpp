#include "weights/crc32.h"

#include <array>
#include <iomanip>
#include <sstream>

namespace giemsa {

namespace {

// Slicing by 8 (Kounavis and Berry, 2005): table[k][b] is the CRC of byte b followed by k zero bytes, so eight look-ups
// that do not wait for each other replace eight that do. About 2 GB/s: a checkpoint is checked faster than a disk reads
// it.
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0xEDB88320u : 0u);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t previous = tables[k - 1][byte];
      tables[k][byte] = (previous >> 8) ^ tables[0][previous & 0xff];
    }
  }
  return tables;
}

constexpr Tables tables = make_tables();

}  // namespace

std::uint32_t crc32(ByteView bytes) {
  std::uint32_t crc = 0xffffffffu;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint32_t low, high;
    std::memcpy(&low, &bytes[i], 4);
    std::memcpy(&high, &bytes[i + 4], 4);
    low ^= crc;
    crc = tables[7][low & 0xff] ^ tables[6][(low >> 8) & 0xff] ^ tables[5][(low >> 16) & 0xff] ^ tables[4][low >> 24] ^
          tables[3][high & 0xff] ^ tables[2][(high >> 8) & 0xff] ^ tables[1][(high >> 16) & 0xff] ^
          tables[0][high >> 24];
  }
  for (; i < bytes.size(); ++i) crc = (crc >> 8) ^ tables[0][(crc ^ static_cast<std::uint32_t>(bytes[i])) & 0xff];
  return ~crc;
}

std::string crc32_digits(ByteView bytes) {
  std::ostringstream digits;
  digits << std::hex << std::setfill('0') << std::setw(8) << crc32(bytes);
  return std::move(digits).str();
}

}  // namespace giemsa
