#include <algorithm>

#include "tests/io/support.h"
#include "tools/image_io/exif.h"

using namespace giemsa;
using namespace giemsa::test;

namespace {

/// Where the marker 0xff `code` stands; the fixtures' headers hold no such pair of bytes by chance.
std::size_t find_marker(const Buffer& bytes, std::uint8_t code) {
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i)
    if (bytes[i] == 0xff && bytes[i + 1] == code) return i;
  FAIL("no marker " << int{code});
  return 0;
}

Buffer with_size(Buffer bytes, std::uint8_t frame_marker, int width, int height) {
  const std::size_t frame = find_marker(bytes, frame_marker);
  bytes[frame + 5] = static_cast<std::uint8_t>(height >> 8);
  bytes[frame + 6] = static_cast<std::uint8_t>(height);
  bytes[frame + 7] = static_cast<std::uint8_t>(width >> 8);
  bytes[frame + 8] = static_cast<std::uint8_t>(width);
  return bytes;
}

}  // namespace

TEST_CASE("EXIF orientation turns the picture upright") {
  // How each orientation shows the quadrants red, green / blue, white: its corners clockwise from the top left.
  const std::vector<std::string> corners = {"RGWB", "GRBW", "WBRG", "BWGR", "RBWG", "BRGW", "WGRB", "GWBR"};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(orientation);
    const Frame frame = decode_image(fixture("orientation_" + std::to_string(orientation) + ".jpg"));
    REQUIRE(frame.width == (orientation <= 4 ? 32 : 16));
    REQUIRE(frame.height == (orientation <= 4 ? 16 : 32));
    std::string seen;
    const int right = frame.width - 4, bottom = frame.height - 4;
    for (const auto& [x, y] : {std::pair{3, 3}, {right, 3}, {right, bottom}, {3, bottom}}) {
      const std::uint8_t* p = frame.at(x, y);
      const bool r = p[0] > 128, g = p[1] > 128, b = p[2] > 128;
      seen += r && g && b ? 'W' : r ? 'R' : g ? 'G' : b ? 'B' : '?';
    }
    CHECK(seen == corners[static_cast<std::size_t>(orientation - 1)]);
  }
}

TEST_CASE("an EXIF block is read in both byte orders, and ignored where it is broken") {
  const Buffer little = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
  const Buffer big = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0};
  CHECK(exif_orientation(little) == 6);
  CHECK(exif_orientation(big) == 6);
  for (std::size_t size = 0; size <= little.size(); ++size) {
    const Buffer cut(little.begin(), little.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(exif_orientation(cut) == (size < 20 ? 1 : 6));
  }
  const auto with = [&](std::size_t at, std::uint8_t value) {
    Buffer changed = little;
    changed[at] = value;
    return exif_orientation(changed);
  };
  CHECK(with(18, 0) == 1);
  CHECK(with(18, 9) == 1);
  CHECK(with(12, 4) == 1);    // not a SHORT
  CHECK(with(7, 0xff) == 1);  // directory far outside
  CHECK(with(9, 0xff) == 6);  // more entries announced than there are: the first is the one
  CHECK(with(0, 'X') == 1);
}

TEST_CASE("bytes behind the end-of-image marker are ignored") {
  Buffer bytes = read_bytes(fixture("420.jpg"));
  const Frame expected = decode_image(Bytes(bytes));
  bytes.insert(bytes.end(), {0xff, 0xda, 0x00, 0x12, 0xff, 0xd8});
  CHECK(decode_image(Bytes(bytes)).rgb == expected.rgb);
}

TEST_CASE("a JPEG that ends before its end-of-image marker is refused") {
  Buffer bytes = read_bytes(fixture("444.jpg"));
  bytes.resize(bytes.size() - 2);
  check_mentions(decode_error(bytes), {"JPEG", "truncated", std::to_string(bytes.size()) + " bytes"});
  bytes.resize(bytes.size() - 300);
  check_mentions(decode_error(bytes), {"truncated"});
}

TEST_CASE("a small JPEG that claims many pixels is refused") {
  for (const auto& [name, marker] : {std::pair{"444.jpg", 0xc0}, {"grey.jpg", 0xc0}, {"progressive.jpg", 0xc2}}) {
    const Buffer bomb = with_size(read_bytes(fixture(name)), static_cast<std::uint8_t>(marker), 10000, 10000);
    check_mentions(decode_error(bomb), {"cannot hold", "10000 x 10000"});
  }
  const Buffer flat = with_size(read_bytes(fixture("444.jpg")), 0xc0, 100, 0);
  check_mentions(decode_error(flat), {"100 x 0"});
}

TEST_CASE("a JPEG without a picture, or with endless scans, is refused") {
  const Buffer nothing = {0xff, 0xd8, 0xff, 0xd9};
  check_mentions(decode_error(nothing), {"no image"});

  Buffer bytes = read_bytes(fixture("444.jpg"));
  const auto scan = static_cast<std::ptrdiff_t>(find_marker(bytes, 0xda));
  Buffer headers(bytes.begin(), bytes.begin() + scan);
  headers.insert(headers.end(), {0xff, 0xd9});
  check_mentions(decode_error(headers), {"no image data for component 1"});

  const Buffer one_scan(bytes.begin() + scan, bytes.end() - 2);
  for (int i = 0; i < 100; ++i) bytes.insert(bytes.end() - 2, one_scan.begin(), one_scan.end());
  check_mentions(decode_error(bytes), {"more than 100 scans"});
}

TEST_CASE("coding processes that are not supported are named") {
  Buffer bytes = read_bytes(fixture("444.jpg"));
  bytes[find_marker(bytes, 0xc0) + 1] = 0xc9;
  check_mentions(decode_error(bytes), {"arithmetic", "not supported"});
}

TEST_CASE("a Huffman table of too many symbols is refused before it reaches the decoder") {
  Buffer bytes = read_bytes(fixture("444.jpg"));
  const auto counts = bytes.begin() + static_cast<std::ptrdiff_t>(find_marker(bytes, 0xc4)) + 5;
  std::fill(counts, counts + 16, std::uint8_t{17});
  check_mentions(decode_error(bytes), {"Huffman table of 272 symbols"});
}
