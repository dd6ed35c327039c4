#include <doctest/doctest.h>

#include <string>

#include "weights/crc32.h"
#include "weights/sha256.h"

namespace giemsa {
namespace {

std::string digest(std::string_view text, Sha256Code code) {
  return sha256(std::as_bytes(std::span(text)), code);
}

// FIPS 180-4's examples, and NIST's long one.
TEST_CASE("SHA-256 gives the standard's digests") {
  for (Sha256Code code : {Sha256Code::portable, Sha256Code::fastest}) {
    CHECK(digest("", code) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(digest("abc", code) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", code) ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(digest(
              "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
              "nopqrstu",
              code) == "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    CHECK(digest(std::string(1'000'000, 'a'), code) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

TEST_CASE("SHA-256 by instructions equals SHA-256 without them at every length around a block") {
  std::string text;
  for (int length = 0; length <= 200; ++length) {
    CAPTURE(length);
    CHECK(digest(text, Sha256Code::fastest) == digest(text, Sha256Code::portable));
    text += static_cast<char>(37 * length + 11);
  }
}

TEST_CASE("CRC-32 equals its bitwise definition at every length and alignment") {
  const auto bitwise = [](ByteView bytes) {
    std::uint32_t crc = ~0u;
    for (std::byte byte : bytes) {
      crc ^= static_cast<std::uint32_t>(byte);
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0u);
    }
    return ~crc;
  };
  std::string text;
  for (int i = 0; i < 80; ++i) text += static_cast<char>(37 * i + 11);
  const ByteView all = std::as_bytes(std::span(text));
  for (std::size_t begin = 0; begin < 9; ++begin) {
    for (std::size_t size = 0; begin + size <= all.size(); ++size) {
      CHECK(crc32(all.subspan(begin, size)) == bitwise(all.subspan(begin, size)));
    }
  }
  CHECK(crc32(std::as_bytes(std::span(std::string_view("123456789")))) == 0xCBF43926u);
}

}  // namespace
}  // namespace giemsa
