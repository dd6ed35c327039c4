// Decompression against data that zlib made, whole and damaged.
#include "weights/convert/inflate.h"

#include <zlib.h>

#include "tests/weights/bytes.h"

namespace giemsa {
namespace {

using namespace testing;

/// Raw DEFLATE, as a zip entry has it.
std::string deflated(std::string_view content, int level, int strategy) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, level, Z_DEFLATED, -15, 8, strategy) == Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(content.size())) + 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

ByteView bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string inflated(const std::string& compressed, std::uint64_t size) {
  const std::vector<std::byte> bytes = inflate(bytes_of(compressed), size);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::string> contents() {
  std::string noise, words;
  std::uint32_t state = 1;
  for (int i = 0; i < 100'000; ++i) {
    state = state * 1664525 + 1013904223;
    noise += static_cast<char>(state >> 24);
    words += "weights "[(state >> 20) % 8];
  }
  return {"", "x", std::string(70'000, 'a'), noise, words, words + words};
}

TEST_CASE("what zlib packed comes out as it was, in every kind of block") {
  for (const std::string& content : contents())
    for (int level : {0, 1, 6, 9})
      for (int strategy : {Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_FIXED}) {
        CAPTURE(content.size());
        CAPTURE(level);
        CHECK(inflated(deflated(content, level, strategy), content.size()) == content);
      }
}

TEST_CASE("another size than announced is refused, and no more memory is taken than that") {
  const std::string packed = deflated(std::string(1 << 20, 'a'), 9, Z_DEFAULT_STRATEGY);
  CHECK(contains(error_of([&] { inflated(packed, 1000); }), "more than the 1000 bytes announced"));
  CHECK(contains(error_of([&] { inflated(packed, (1 << 20) + 1); }), "unpacks to 1048576 bytes, expected 1048577"));
}

TEST_CASE("every cut is refused, and a flipped bit gives an error or as many bytes") {
  const std::string content = contents()[4].substr(0, 3000), packed = deflated(content, 9, Z_DEFAULT_STRATEGY);
  for (std::size_t size = 0; size < packed.size(); ++size)
    CHECK(error_of([&] { inflated(packed.substr(0, size), content.size()); }) != "");
  for (std::size_t bit = 0; bit < 8 * packed.size(); ++bit) {
    std::string damaged = packed;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    std::string unpacked;
    if (error_of([&] { unpacked = inflated(damaged, content.size()); }).empty())
      CHECK(unpacked.size() == content.size());
  }
}

}  // namespace
}  // namespace giemsa
