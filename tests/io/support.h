// What the tests of this room share.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/engine/error_text.h"
#include "tests/temporary_folder.h"
#include "tools/image_io/decode.h"

namespace giemsa::test {

using Buffer = std::vector<std::uint8_t>;

inline Buffer read_bytes(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  REQUIRE_MESSAGE(stream.is_open(), file.string());
  return Buffer(std::istreambuf_iterator<char>(stream), {});
}

inline std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path(GIEMSA_SOURCE_DIR) / "tests/io/fixtures" / name;
}

inline void write_text(const std::filesystem::path& file, std::string_view text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

inline std::string decode_error(Bytes bytes, const DecodeLimits& limits = {}) {
  return error_if_any(ErrorKind::image, [&] { decode_image(bytes, limits); });
}

inline void check_mentions(const std::string& message, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts)
    CHECK_MESSAGE(message.find(part) != std::string::npos, "'" << message << "' lacks '" << part << "'");
}

}  // namespace giemsa::test
