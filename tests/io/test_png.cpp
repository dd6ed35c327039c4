#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "tests/io/support.h"

using namespace giemsa;
using namespace giemsa::test;

namespace {

/// An encoder as plain as can be, for every kind of PNG: kinds that Pillow cannot write too.
struct Picture {
  int width, height, depth, colour;
  bool interlaced = false;

  int channels() const { return colour == 2 ? 3 : colour == 6 ? 4 : colour == 4 ? 2 : 1; }
  /// Any sample; below the depth's number of values.
  std::uint32_t sample(int x, int y, int channel) const {
    const auto mixed = static_cast<std::uint32_t>(x * 7919 + y * 104729 + channel * 1299709 + 12345) * 2654435761u;
    return mixed >> (32 - depth);
  }
};

void append_be32(Buffer& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void append_chunk(Buffer& out, const std::string& type, const Buffer& data) {
  append_be32(out, static_cast<std::uint32_t>(data.size()));
  Buffer typed(type.begin(), type.end());
  typed.insert(typed.end(), data.begin(), data.end());
  out.insert(out.end(), typed.begin(), typed.end());
  append_be32(out, static_cast<std::uint32_t>(crc32(0, typed.data(), static_cast<uInt>(typed.size()))));
}

Buffer deflated(const Buffer& raw) {
  uLongf size = compressBound(raw.size());
  Buffer out(size);
  REQUIRE(compress(out.data(), &size, raw.data(), raw.size()) == Z_OK);
  out.resize(size);
  return out;
}

std::uint8_t predict(int filter, int a, int b, int c) {
  const int p = a + b - c, pa = std::abs(p - a), pb = std::abs(p - b), pc = std::abs(p - c);
  switch (filter) {
    case 1:
      return static_cast<std::uint8_t>(a);
    case 2:
      return static_cast<std::uint8_t>(b);
    case 3:
      return static_cast<std::uint8_t>((a + b) / 2);
    case 4:
      return static_cast<std::uint8_t>(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
    default:
      return 0;
  }
}

/// The filtered rows of every pass, row after row with another filter.
Buffer filtered_rows(const Picture& picture) {
  struct Pass {
    int x0, y0, dx, dy;
  };
  const std::vector<Pass> passes = picture.interlaced
                                       ? std::vector<Pass>{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                                           {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}
                                       : std::vector<Pass>{{0, 0, 1, 1}};
  const std::size_t step = static_cast<std::size_t>(std::max(1, picture.channels() * picture.depth / 8));
  Buffer raw;
  int filter = 0;
  for (const Pass& pass : passes) {
    Buffer above;
    for (int y = pass.y0; y < picture.height && pass.x0 < picture.width; y += pass.dy) {
      Buffer row;
      int used = 8;  // bits of the last byte
      for (int x = pass.x0; x < picture.width; x += pass.dx)
        for (int c = 0; c < picture.channels(); ++c) {
          const std::uint32_t value = picture.sample(x, y, c);
          if (picture.depth >= 8) {
            if (picture.depth == 16) row.push_back(static_cast<std::uint8_t>(value >> 8));
            row.push_back(static_cast<std::uint8_t>(value));
          } else {
            if (used == 8) row.push_back(0), used = 0;
            used += picture.depth;
            row.back() |= static_cast<std::uint8_t>(value << (8 - used));
          }
        }
      above.resize(row.size());
      filter = (filter + 1) % 5;
      raw.push_back(static_cast<std::uint8_t>(filter));
      for (std::size_t i = 0; i < row.size(); ++i) {
        const int left = i >= step ? row[i - step] : 0, corner = i >= step ? above[i - step] : 0;
        raw.push_back(static_cast<std::uint8_t>(row[i] - predict(filter, left, above[i], corner)));
      }
      above = row;
    }
  }
  return raw;
}

Buffer palette_of(const Picture& picture) {
  Buffer palette;
  for (int i = 0; i < 1 << picture.depth; ++i)
    for (const int factor : {3, 5, 7}) palette.push_back(static_cast<std::uint8_t>(i * factor + 1));
  return palette;
}

using Chunk = std::pair<std::string, Buffer>;

/// A file of the given compressed data, cut into chunks of `chunk` bytes, with others before and behind them.
Buffer encode(const Picture& picture, const Buffer& compressed, std::size_t chunk = 50,
              const std::vector<Chunk>& before = {}, const std::vector<Chunk>& behind = {}) {
  Buffer file = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, header;
  append_be32(header, static_cast<std::uint32_t>(picture.width));
  append_be32(header, static_cast<std::uint32_t>(picture.height));
  header.insert(header.end(), {static_cast<std::uint8_t>(picture.depth), static_cast<std::uint8_t>(picture.colour), 0,
                               0, static_cast<std::uint8_t>(picture.interlaced)});
  append_chunk(file, "IHDR", header);
  if (picture.colour == 3) append_chunk(file, "PLTE", palette_of(picture));
  append_chunk(file, "tRNS", {0, 0});
  for (const auto& [type, data] : before) append_chunk(file, type, data);
  for (std::size_t at = 0; at < compressed.size(); at += chunk)
    append_chunk(file, "IDAT",
                 Buffer(compressed.begin() + static_cast<std::ptrdiff_t>(at),
                        compressed.begin() + static_cast<std::ptrdiff_t>(std::min(at + chunk, compressed.size()))));
  for (const auto& [type, data] : behind) append_chunk(file, type, data);
  append_chunk(file, "IEND", {});
  return file;
}

Buffer encode(const Picture& picture) {
  return encode(picture, deflated(filtered_rows(picture)));
}

/// The level 0..255 nearest to a sample; computed in floating point, unlike the decoder.
int level(const Picture& picture, std::uint32_t sample) {
  return static_cast<int>(sample * 255.0 / ((1 << picture.depth) - 1) + 0.5);
}

const std::vector<std::pair<int, int>> kinds = {{0, 1}, {0, 2}, {0, 4}, {0, 8}, {0, 16}, {2, 8}, {2, 16}, {3, 1},
                                                {3, 2}, {3, 4}, {3, 8}, {4, 8}, {4, 16}, {6, 8}, {6, 16}};

}  // namespace

TEST_CASE("every color type and depth, plain and interlaced, all filters") {
  for (const auto& [colour, depth] : kinds)
    for (const bool interlaced : {false, true})
      for (const auto& [width, height] : {std::pair{1, 1}, {13, 7}, {8, 8}, {3, 33}, {31, 2}}) {
        const Picture picture{width, height, depth, colour, interlaced};
        CAPTURE(colour);
        CAPTURE(depth);
        CAPTURE(interlaced);
        CAPTURE(width);
        const Frame frame = decode_image(Bytes(encode(picture)));
        REQUIRE(frame.width == width);
        REQUIRE(frame.height == height);
        const Buffer palette = palette_of(picture);
        int wrong = 0;
        for (int y = 0; y < height; ++y)
          for (int x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c) {
              const int expected = colour == 3 ? palette[picture.sample(x, y, 0) * 3 + static_cast<std::uint32_t>(c)]
                                               : level(picture, picture.sample(x, y, picture.channels() >= 3 ? c : 0));
              wrong += frame.at(x, y)[c] != expected;
            }
        CHECK(wrong == 0);
      }
}

TEST_CASE("a tiny PNG that claims many pixels is refused before anything is allocated for them") {
  const Picture huge{10000, 10000, 8, 2};
  check_mentions(decode_error(encode(huge, deflated(Buffer(1000)))), {"cannot hold 10000 x 10000"});
}

TEST_CASE("compressed data beyond the picture are not unpacked") {
  const Picture picture{5, 5, 8, 0};
  Buffer raw = filtered_rows(picture);
  raw.resize(raw.size() + 50'000'000);  // 50 MB of zeros: 50 KB compressed
  const Frame frame = decode_image(Bytes(encode(picture, deflated(raw), 1 << 20)));
  CHECK(frame.at(4, 4)[0] == picture.sample(4, 4, 0));
}

TEST_CASE("image data that end early are refused with the row") {
  const Picture picture{5, 5, 8, 0};
  Buffer raw = filtered_rows(picture);
  raw.resize(raw.size() - 1);
  check_mentions(decode_error(encode(picture, deflated(raw))), {"truncated", "row 4 of 5"});
  check_mentions(decode_error(encode(picture, {})), {"truncated", "row 0 of 5"});
}

TEST_CASE("damage in a PNG is named") {
  const Picture picture{9, 9, 8, 2};
  const Buffer good = encode(picture);

  Buffer flipped = good;
  flipped[flipped.size() - 30] ^= 1;  // in the last IDAT chunk
  check_mentions(decode_error(flipped), {"checksum", "IDAT"});

  Buffer stream = deflated(filtered_rows(picture));
  stream[stream.size() / 2] ^= 0xff;
  CHECK(!decode_error(encode(picture, stream)).empty());

  Buffer filter = filtered_rows(picture);
  filter[0] = 5;
  check_mentions(decode_error(encode(picture, deflated(filter))), {"row filter 5"});

  check_mentions(decode_error(encode({9, 9, 4, 2})), {"colour type 2 with 4 bits"});
  check_mentions(decode_error(encode({0, 9, 8, 2})), {"0 x 9"});
  check_mentions(decode_error(encode({1 << 25, 1, 1, 0}, {})), {"33554432 x 1"});
}

TEST_CASE("a palette index beyond the palette is refused") {
  Picture picture{9, 9, 4, 3};
  Buffer file = encode(picture);
  const std::string type = "PLTE";
  const auto at = std::search(file.begin(), file.end(), type.begin(), type.end());
  Buffer short_palette(file.begin(), at - 4);
  append_chunk(short_palette, "PLTE", {1, 2, 3});
  short_palette.insert(short_palette.end(), at + 4 + 48 + 4, file.end());
  check_mentions(decode_error(short_palette), {"palette index", "below 1"});
}

TEST_CASE("the orientation of an eXIf chunk is applied, wherever the chunk stands") {
  const Picture picture{3, 2, 8, 2};
  const Buffer data = deflated(filtered_rows(picture));
  const Frame stored = decode_image(Bytes(encode(picture, data)));
  const Buffer six = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0};
  Buffer with_head = {'E', 'x', 'i', 'f', 0, 0};
  with_head.insert(with_head.end(), six.begin(), six.end());
  for (const Buffer& file : {encode(picture, data, 50, {{"eXIf", six}}), encode(picture, data, 50, {}, {{"eXIf", six}}),
                             encode(picture, data, 50, {{"eXIf", with_head}})}) {
    const Frame turned = decode_image(Bytes(file));
    REQUIRE(turned.width == 2);
    REQUIRE(turned.height == 3);
    for (int y = 0; y < 3; ++y)  // 6: the stored bottom left is the top left
      for (int x = 0; x < 2; ++x) CHECK(std::equal(turned.at(x, y), turned.at(x, y) + 3, stored.at(y, 1 - x)));
  }
  Buffer damaged = encode(picture, data, 50, {{"eXIf", six}});
  const std::string type = "eXIf";
  *(std::search(damaged.begin(), damaged.end(), type.begin(), type.end()) + 8) ^= 1;
  CHECK(decode_image(Bytes(damaged)).rgb == stored.rgb);
}

TEST_CASE("16-bit samples of fewer bits are scaled by what the file says, else by what it holds, with a warning") {
  struct Case {
    int stored_bits;     // of the largest sample
    Buffer significant;  // the sBIT chunk; empty: none
    int read_as;
    bool warns;
  };
  for (const Case& c :
       {Case{12, {}, 12, true}, Case{10, {}, 10, true}, Case{14, {}, 14, true}, Case{8, {}, 8, true},
        Case{11, {}, 12, true}, Case{15, {}, 16, false}, Case{16, {}, 16, false}, Case{12, {12, 12, 12}, 12, false},
        Case{11, {12, 12, 12}, 12, false}, Case{16, {12, 12, 12}, 16, false}, Case{12, {16, 16, 16}, 16, false}}) {
    CAPTURE(c.stored_bits);
    CAPTURE(c.read_as);
    const Picture picture{5, 4, 16, 2};
    Buffer raw;
    const std::uint32_t largest = (1u << c.stored_bits) - 1;
    for (int y = 0; y < 4; ++y) {
      raw.push_back(0);
      for (std::uint32_t i = 0; i < 15; ++i) {
        const std::uint32_t value = i == 0 ? largest : picture.sample(static_cast<int>(i), y, 0) & largest;
        raw.insert(raw.end(), {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)});
      }
    }
    const std::vector<Chunk> before =
        c.significant.empty() ? std::vector<Chunk>{} : std::vector<Chunk>{{"sBIT", c.significant}};
    DecodeNotes notes;
    const Frame frame = decode_image(Bytes(encode(picture, deflated(raw), 50, before)), {}, &notes);
    CHECK(notes.warning.empty() == !c.warns);
    if (c.warns) check_mentions(notes.warning, {std::to_string(largest), std::to_string(c.read_as) + "-bit"});
    const double white = (1 << c.read_as) - 1;
    for (int y = 0; y < 4; ++y)
      for (std::size_t i = 0; i < 15; ++i) {
        const std::size_t at = static_cast<std::size_t>(y) * 31 + 1 + 2 * i;
        CHECK(frame.at(0, y)[i] == static_cast<int>((raw[at] * 256 + raw[at + 1]) * 255 / white + 0.5));
      }
  }
}
TEST_CASE("PNG: the size of a pixel, where pHYs speaks of a microscope") {
  const Picture picture{5, 4, 8, 2};
  const auto size_of = [&](Buffer physical) {
    DecodeNotes notes;
    decode_image(Bytes(encode(picture, deflated(filtered_rows(picture)), 50, {{"pHYs", std::move(physical)}})), {}, &notes);
    return notes.pixel_size;
  };
  CHECK_FALSE(size_of({0, 0, 0x0b, 0x13, 0, 0, 0x0b, 0x13, 1}));           // 72 dots an inch
  CHECK_FALSE(size_of({0, 0x3d, 0x09, 0, 0, 0x3d, 0x09, 0, 0}));           // a ratio of sides
  CHECK_FALSE(size_of({0, 0, 0, 0, 0, 0, 0, 0, 1}));                       // nothing a metre
  const auto quarter = size_of({0, 0x3d, 0x09, 0, 0, 0x1e, 0x84, 0x80, 1});  // 4 and 2 million a metre
  REQUIRE(quarter);
  CHECK(quarter->x == 0.25);
  CHECK(quarter->y == 0.5);
}

