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

#include "engine/base/check.h"
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

/// The message with which `call` fails; empty where it does not. Any other exception escapes and fails the test.
template <class Call>
std::string error_of(ErrorKind kind, const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    CHECK_MESSAGE(std::string(error.what()).find('\n') == std::string::npos, error.what());
    return error.what();
  }
  return {};
}

inline std::string decode_error(Bytes bytes, const DecodeLimits& limits = {}) {
  return error_of(ErrorKind::image, [&] { decode_image(bytes, limits); });
}

inline void check_mentions(const std::string& message, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts)
    CHECK_MESSAGE(message.find(part) != std::string::npos, "'" << message << "' lacks '" << part << "'");
}

}  // namespace giemsa::test
