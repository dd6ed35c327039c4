#include <algorithm>
#include <optional>

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
  const Buffer big_long = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 4, 0, 0, 0, 1, 0, 0, 0, 6};
  CHECK(exif_orientation(big_long) == 6);
  for (std::size_t size = 0; size <= little.size(); ++size) {
    const Buffer cut(little.begin(), little.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(exif_orientation(cut) == (size < 20 ? std::nullopt : std::optional(6)));
  }
  const auto with = [&](std::size_t at, std::uint8_t value) {
    Buffer changed = little;
    changed[at] = value;
    return exif_orientation(changed);
  };
  CHECK(!with(18, 0));
  CHECK(!with(18, 9));
  CHECK(with(12, 4) == 6);    // a LONG
  CHECK(with(12, 1) == 6);    // a BYTE
  CHECK(!with(12, 2));        // text
  CHECK(!with(7, 0xff));      // directory far outside
  CHECK(with(9, 0xff) == 6);  // more entries announced than there are: the first is the one
  CHECK(!with(0, 'X'));
}

TEST_CASE("bytes behind the end-of-image marker are ignored") {
  Buffer bytes = read_bytes(fixture("420.jpg"));
  const Frame expected = decode_image(Bytes(bytes));
  bytes.insert(bytes.end(), {0xff, 0xda, 0x00, 0x12, 0xff, 0xd8});
  CHECK(decode_image(Bytes(bytes)).rgb == expected.rgb);
}

TEST_CASE("a missing end-of-image marker does no harm, missing blocks do") {
  for (const char* name : {"444.jpg", "422.jpg", "420.jpg", "grey.jpg", "progressive.jpg"}) {
    CAPTURE(name);
    const Buffer whole = read_bytes(fixture(name));
    Buffer bytes(whole.begin(), whole.end() - 2);
    CHECK(decode_image(Bytes(bytes)).rgb == decode_image(Bytes(whole)).rgb);

    const std::size_t data = find_marker(whole, 0xda) + 14;
    for (std::size_t end = data; end + 20 < whole.size(); end += 7) {  // cut, and closed as if nothing were missing
      CAPTURE(end);
      bytes.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(end));
      bytes.insert(bytes.end(), {0xff, 0xd9});
      const bool baseline = std::string_view(name) != "progressive.jpg";  // others may be cut in a table
      check_mentions(decode_error(bytes), {"JPEG", baseline ? "truncated" : "unusable"});
    }
  }
}

TEST_CASE("a JPEG whose tail was overwritten with zeros is refused") {  // in its middle they may be codes like others
  const Buffer whole = read_bytes(fixture("444.jpg"));
  const std::size_t data = find_marker(whole, 0xda) + 14;
  for (const std::size_t share : {4, 2}) {
    Buffer bytes = whole;
    const std::size_t from = data + (whole.size() - data) / share;
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.end(), std::uint8_t{0});
    CHECK(!decode_error(bytes).empty());
  }
}

TEST_CASE("stray bytes between segments are passed over") {
  const Buffer whole = read_bytes(fixture("444.jpg"));
  const Frame expected = decode_image(Bytes(whole));
  for (const std::uint8_t marker : {0xc0, 0xc4, 0xda}) {
    Buffer bytes = whole;
    const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(find_marker(bytes, marker));
    bytes.insert(place, {0x12, 0x34, 0x00});
    CHECK(decode_image(Bytes(bytes)).rgb == expected.rgb);
  }
}

TEST_CASE("frames of motion JPEG leave out the standard's Huffman tables") {
  Buffer bytes = read_bytes(fixture("420.jpg"));
  const Frame expected = decode_image(Bytes(bytes));
  for (int i = 0; i < 4; ++i) {
    const auto table = bytes.begin() + static_cast<std::ptrdiff_t>(find_marker(bytes, 0xc4));
    bytes.erase(table, table + 2 + table[2] * 256 + table[3]);
  }
  CHECK(decode_image(Bytes(bytes)).rgb == expected.rgb);
}

TEST_CASE("CMYK is read by its Adobe segment, and refused without one") {
  Buffer bytes = read_bytes(fixture("cmyk.jpg"));
  CHECK(decode_error(bytes).empty());
  const auto adobe = bytes.begin() + static_cast<std::ptrdiff_t>(find_marker(bytes, 0xee));
  bytes.erase(adobe, adobe + 2 + adobe[2] * 256 + adobe[3]);
  check_mentions(decode_error(bytes), {"CMYK", "Adobe", "save it as RGB"});
}

TEST_CASE("the first Exif segment that holds an orientation gives it") {
  const auto segment = [](const Buffer& tiff) {
    Buffer out = {0xff, 0xe1, 0, static_cast<std::uint8_t>(8 + tiff.size()), 'E', 'x', 'i', 'f', 0, 0};
    out.insert(out.end(), tiff.begin(), tiff.end());
    return out;
  };
  const auto oriented = [](std::uint8_t value) {
    return Buffer{'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, value, 0, 0, 0, 0, 0, 0, 0};
  };
  const Buffer none = {'I', 'I', 42, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0}, whole = read_bytes(fixture("444.jpg"));
  const auto height_with = [&](const std::vector<Buffer>& blocks) {
    Buffer bytes(whole.begin(), whole.begin() + 2);
    for (const Buffer& block : blocks) {
      const Buffer one = segment(block);
      bytes.insert(bytes.end(), one.begin(), one.end());
    }
    bytes.insert(bytes.end(), whole.begin() + 2, whole.end());
    return decode_image(Bytes(bytes)).height;
  };
  CHECK(height_with({oriented(6), none}) == 28);
  CHECK(height_with({none, oriented(6)}) == 28);
  CHECK(height_with({oriented(9), oriented(8)}) == 28);
  CHECK(height_with({oriented(1), oriented(6)}) == 19);
  CHECK(height_with({none}) == 19);
}

TEST_CASE("a small JPEG that claims many pixels is refused") {
  for (const auto& [name, marker] : {std::pair{"444.jpg", 0xc0}, {"grey.jpg", 0xc0}, {"progressive.jpg", 0xc2}}) {
    const Buffer bomb = with_size(read_bytes(fixture(name)), static_cast<std::uint8_t>(marker), 10000, 10000);
    check_mentions(decode_error(bomb), {"cannot hold", "10000 x 10000"});
  }
  const Buffer flat = with_size(read_bytes(fixture("444.jpg")), 0xc0, 100, 0);
  check_mentions(decode_error(flat), {"damaged"});
}

TEST_CASE("a JPEG without a picture, or with endless scans, is refused") {
  const Buffer nothing = {0xff, 0xd8, 0xff, 0xd9};
  check_mentions(decode_error(nothing), {"no image"});

  Buffer bytes = read_bytes(fixture("444.jpg"));
  const auto scan = static_cast<std::ptrdiff_t>(find_marker(bytes, 0xda));
  Buffer headers(bytes.begin(), bytes.begin() + scan);
  headers.insert(headers.end(), {0xff, 0xd9});
  check_mentions(decode_error(headers), {"missing SOS"});

  bytes = read_bytes(fixture("progressive.jpg"));
  std::size_t last = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i)
    if (bytes[i] == 0xff && bytes[i + 1] == 0xda) last = i;
  const Buffer one_scan(bytes.begin() + static_cast<std::ptrdiff_t>(last), bytes.end() - 2);
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
  check_mentions(decode_error(bytes), {"damaged", "Huffman table"});
}
