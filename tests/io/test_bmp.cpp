#include "tests/io/support.h"

using namespace giemsa;
using namespace giemsa::test;

namespace {

void append_le(Buffer& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

void set_le32(Buffer& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> 8 * i);
}

constexpr std::size_t file_size_at = 2, pixels_at = 10, width_at = 18, height_at = 22, compression_at = 30,
                      image_size_at = 34, colours_used_at = 46;

/// A BMP file of a 3-row picture: header of `header_bytes` (12 or more), what follows it, then `rows` bottom first.
Buffer bmp(std::uint32_t header_bytes, int width, int height, int bits, std::uint32_t compression, const Buffer& tables,
           const std::vector<Buffer>& rows) {
  Buffer out = {'B', 'M'};
  append_le(out, 0, 4);
  append_le(out, 0, 4);
  append_le(out, static_cast<std::uint32_t>(14 + header_bytes + tables.size()), 4);
  append_le(out, header_bytes, 4);
  const int side_bytes = header_bytes == 12 ? 2 : 4;
  append_le(out, static_cast<std::uint32_t>(width), side_bytes);
  append_le(out, static_cast<std::uint32_t>(height), side_bytes);
  append_le(out, 1, 2);
  append_le(out, static_cast<std::uint32_t>(bits), 2);
  if (header_bytes > 12) append_le(out, compression, 4);
  out.resize(14 + std::min(header_bytes, 40u));
  if (header_bytes > 40) {  // newer headers hold the masks themselves
    out.insert(out.end(), tables.begin(), tables.end());
    out.resize(14 + header_bytes);
    set_le32(out, pixels_at, 14 + header_bytes);
  } else {
    out.insert(out.end(), tables.begin(), tables.end());
  }
  for (const Buffer& row : rows) {
    out.insert(out.end(), row.begin(), row.end());
    out.resize((out.size() + (4 - row.size() % 4) % 4));
  }
  set_le32(out, file_size_at, static_cast<std::uint32_t>(out.size()));
  return out;
}

/// 3 x 2 pixels of 24 bits: red green blue / black grey white, top to bottom.
Buffer six_pixels(std::uint32_t header_bytes = 40, int height = 2) {
  const Buffer top = {0, 0, 255, 0, 255, 0, 255, 0, 0}, bottom = {0, 0, 0, 128, 128, 128, 255, 255, 255};
  return bmp(header_bytes, 3, height, 24, 0, {}, height > 0 ? std::vector{bottom, top} : std::vector{top, bottom});
}

const Buffer six_rgb = {255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 128, 128, 128, 255, 255, 255};

Buffer pixels_of(const Buffer& file) {
  return decode_image(Bytes(file)).rgb;
}

Buffer changed(Buffer file, std::size_t at, std::uint32_t value) {
  set_le32(file, at, value);
  return file;
}

/// A 4-color palette of BGR0 entries: black, red, green, white.
const Buffer palette = {0, 0, 0, 0, 0, 0, 255, 0, 0, 255, 0, 0, 255, 255, 255, 0};

}  // namespace

TEST_CASE("24-bit BMP with every header, bottom-up and top-down") {
  for (const std::uint32_t header_bytes : {12u, 16u, 40u, 52u, 56u, 64u, 108u, 124u}) {
    CAPTURE(header_bytes);
    CHECK(pixels_of(six_pixels(header_bytes)) == six_rgb);
  }
  CHECK(pixels_of(six_pixels(40, -2)) == six_rgb);
}

TEST_CASE("wrong sizes in a BMP header are not believed") {
  for (const std::uint32_t lie : {0u, 1u, 77u, 1000u, 0x7fffffffu, 0xffffffffu}) {
    CAPTURE(lie);
    CHECK(pixels_of(changed(six_pixels(), file_size_at, lie)) == six_rgb);
    CHECK(pixels_of(changed(six_pixels(), image_size_at, lie)) == six_rgb);
    CHECK(pixels_of(changed(six_pixels(), pixels_at, lie)) == six_rgb);
    CHECK(pixels_of(changed(six_pixels(), colours_used_at, lie)) == six_rgb);
  }
}

TEST_CASE("the pixels' offset is believed where they fit there") {
  Buffer file = six_pixels();
  file.insert(file.begin() + 54, 10, 0xab);  // a gap behind the header
  set_le32(file, pixels_at, 64);
  CHECK(pixels_of(file) == six_rgb);
}

TEST_CASE("the last row's padding may be missing, a pixel may not") {
  Buffer file = six_pixels();
  file.resize(file.size() - 3);
  CHECK(pixels_of(file) == six_rgb);
  file.resize(file.size() - 1);
  check_mentions(decode_error(file), {"truncated", "need 75 bytes", "has 74"});
}

TEST_CASE("palette BMP of 1, 4 and 8 bits") {
  const Buffer expected = {255, 255, 255, 255, 0, 0, 0, 0, 0, 255, 0, 0, 0, 255, 0};  // white red black red green
  Buffer eight = bmp(40, 5, 1, 8, 0, palette, {{3, 1, 0, 1, 2}});
  set_le32(eight, colours_used_at, 4);
  CHECK(pixels_of(eight) == expected);
  Buffer four = bmp(40, 5, 1, 4, 0, palette, {{0x31, 0x01, 0x20}});
  set_le32(four, colours_used_at, 4);
  CHECK(pixels_of(four) == expected);
  CHECK(pixels_of(bmp(40, 10, 1, 1, 0, {0, 0, 0, 0, 9, 8, 7, 0}, {{0x80, 0x40}})) ==
        Buffer{7, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 8, 9});
  CHECK(pixels_of(bmp(12, 5, 1, 8, 0, {0, 0, 0, 0, 0, 255, 0, 255, 0, 255, 255, 255}, {{3, 1, 0, 1, 2}})) == expected);
}

TEST_CASE("an 8-bit BMP with a full palette and the offset of one without reads the palette") {
  Buffer full(1024);
  std::copy(palette.begin(), palette.end(), full.begin());
  const Buffer file = bmp(40, 2, 1, 8, 0, full, {{1, 3}});
  CHECK(pixels_of(changed(file, pixels_at, 54)) == Buffer{255, 0, 0, 255, 255, 255});
}

TEST_CASE("a palette shorter than announced reads, and indices past it are black") {
  CHECK(pixels_of(bmp(40, 2, 1, 8, 0, palette, {{1, 200}})) == Buffer{255, 0, 0, 0, 0, 0});
}

TEST_CASE("16 and 32 bits, with and without masks") {
  const Buffer red_white = {255, 0, 0, 255, 255, 255};
  CHECK(pixels_of(bmp(40, 2, 1, 16, 0, {}, {{0x00, 0x7c, 0xff, 0x7f}})) == red_white);
  CHECK(pixels_of(bmp(40, 2, 1, 32, 0, {}, {{0, 0, 255, 0, 255, 255, 255, 9}})) == red_white);

  Buffer masks565, masks_rgbx;
  for (const std::uint32_t mask : {0xf800u, 0x07e0u, 0x001fu}) append_le(masks565, mask, 4);
  for (const std::uint32_t mask : {0x000000ffu, 0x0000ff00u, 0x00ff0000u}) append_le(masks_rgbx, mask, 4);
  const Buffer green_half = {0, 255, 0, 132, 130, 132};  // 16/31 and 32/63 of 255, rounded
  for (const std::uint32_t header_bytes : {40u, 56u, 124u}) {
    CAPTURE(header_bytes);
    CHECK(pixels_of(bmp(header_bytes, 2, 1, 16, 3, masks565, {{0xe0, 0x07, 0x10, 0x84}})) == green_half);
    CHECK(pixels_of(bmp(header_bytes, 2, 1, 32, 3, masks_rgbx, {{255, 0, 0, 0, 255, 255, 255, 0}})) == red_white);
  }
}

TEST_CASE("masks of which none is set are the usual ones") {
  const Buffer none(12);
  CHECK(pixels_of(bmp(40, 2, 1, 32, 3, none, {{0, 0, 255, 0, 255, 255, 255, 9}})) == Buffer{255, 0, 0, 255, 255, 255});
  CHECK(pixels_of(bmp(40, 2, 1, 16, 3, none, {{0x00, 0x7c, 0xff, 0x7f}})) == Buffer{255, 0, 0, 255, 255, 255});
}

TEST_CASE("a header that is said to be longer than it is moves no pixel") {
  constexpr std::size_t header_bytes_at = 14;
  for (const std::uint32_t lie : {0u, 1u, 41u, 56u, 64u, 108u, 124u, 257u, 2835u, 0xffffffffu}) {
    for (const std::size_t behind : {0, 5, 68, 500}) {  // bytes behind the pixels, which make room for what is said
      CAPTURE(lie);
      CAPTURE(behind);
      Buffer file = changed(six_pixels(), header_bytes_at, lie);
      file.resize(file.size() + behind, 0xab);
      CHECK(pixels_of(file) == six_rgb);
    }
  }
  Buffer eight = bmp(40, 5, 1, 8, 0, palette, {{3, 1, 0, 1, 2}});
  set_le32(eight, colours_used_at, 4);
  CHECK(pixels_of(changed(eight, header_bytes_at, 108)) == pixels_of(eight));
}

TEST_CASE("the pixels' offset is not believed against a header that shows its own length") {
  Buffer file = six_pixels(124);
  set_le32(file, 14 + 56, 0x73524742);  // sRGB
  CHECK(pixels_of(changed(file, pixels_at, 54)) == six_rgb);
}

TEST_CASE("run lengths of 8 and 4 bits: runs, copies, moves, ends of rows") {
  const auto pixels = [](const std::string& indices) {
    Buffer out;
    for (const char index : indices)
      for (const std::size_t channel : {2, 1, 0})
        out.push_back(palette[4 * static_cast<std::size_t>(index - '0') + channel]);
    return out;
  };
  const auto rle = [](int bits, const Buffer& data) {
    Buffer file = bmp(40, 5, 3, bits, bits == 8 ? 1 : 2, palette, {});
    set_le32(file, colours_used_at, 4);
    file.insert(file.end(), data.begin(), data.end());
    return file;
  };
  // Rows from the bottom: a run of 5; a copy of 3 with its padding and a run; a move past the first 2 of the top row.
  CHECK(pixels_of(rle(8, {5, 1, 0, 0, 0, 3, 2, 3, 1, 0, 2, 3, 0, 0, 0, 2, 2, 0, 3, 1, 0, 1})) == pixels("00111"
                                                                                                        "23133"
                                                                                                        "11111"));
  CHECK(pixels_of(rle(4, {5, 0x12, 0, 0, 0, 3, 0x23, 0x10, 2, 0x33, 0, 0, 0, 2, 2, 0, 3, 0x11, 0, 1})) ==
        pixels("00111"
               "23133"
               "12121"));
  CHECK(pixels_of(rle(8, {5, 1, 0, 1})) == pixels("00000"
                                                  "00000"
                                                  "11111"));  // ends early, and says so
  CHECK(pixels_of(rle(8, {5, 1, 0, 0, 5, 2, 0, 0, 5, 3})) == pixels("33333"
                                                                    "22222"
                                                                    "11111"));  // full, and does not
  CHECK(pixels_of(rle(8, {9, 1, 0, 0, 5, 2, 0, 0, 5, 3, 0, 1})) == pixels("33333"
                                                                          "22222"
                                                                          "11111"));  // a run past its row
  check_mentions(decode_error(rle(8, {5, 1, 0, 0, 5, 2, 0, 0})), {"truncated"});
  check_mentions(decode_error(rle(8, {5, 1, 0, 9, 1})), {"truncated"});
  Buffer bomb = rle(8, {0, 1});
  set_le32(bomb, width_at, 10000);
  set_le32(bomb, height_at, 10000);
  check_mentions(decode_error(bomb), {"cannot hold 10000 x 10000"});
}

TEST_CASE("what a BMP cannot be is refused with the reason") {
  check_mentions(decode_error(changed(six_pixels(), compression_at, 1)), {"compression 1 of 24 bits"});
  check_mentions(decode_error(changed(six_pixels(), compression_at, 4)), {"compression 4"});
  check_mentions(decode_error(changed(six_pixels(), width_at, 0)), {"0 x 2"});
  check_mentions(decode_error(changed(six_pixels(), width_at, 0xffffffff)), {"-1 x 2"});
  check_mentions(decode_error(changed(six_pixels(), height_at, 0x80000000)), {"2147483648"});
  check_mentions(decode_error(changed(six_pixels(), width_at, 1 << 20)), {"truncated", "1048576 x 2"});
  check_mentions(decode_error(changed(changed(six_pixels(), 14, 13), 26, 99)), {"info header has 13 bytes"});
  Buffer bits = six_pixels();
  bits[28] = 7;
  check_mentions(decode_error(bits), {"7 bits a pixel"});
}

TEST_CASE("a BMP cut anywhere or damaged anywhere is safe") {
  for (const Buffer& file : {six_pixels(), six_pixels(12), bmp(40, 5, 1, 8, 0, palette, {{3, 1, 0, 1, 2}})}) {
    for (std::size_t size = 0; size + 4 < file.size(); ++size)
      CHECK(!decode_error(Buffer(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))).empty());
    for (std::size_t at = 0; at < file.size(); ++at)
      for (int value = 0; value < 256; ++value) {
        Buffer damaged = file;
        damaged[at] = static_cast<std::uint8_t>(value);
        decode_error(damaged);
      }
  }
}
