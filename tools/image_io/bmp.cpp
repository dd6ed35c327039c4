#include "tools/image_io/bmp.h"

#include <algorithm>
#include <array>
#include <bit>

namespace giemsa {
namespace {

constexpr std::size_t file_header_bytes = 14, core_header_bytes = 12, info_header_bytes = 40;
enum Compression : std::uint32_t { none = 0, rle8 = 1, rle4 = 2, bitfields = 3, alpha_bitfields = 6 };

/// Where a channel sits in a 16- or 32-bit pixel.
struct Channel {
  std::uint32_t mask;

  std::uint8_t level(std::uint32_t pixel) const {
    if (mask == 0) return 0;
    const std::uint64_t largest = mask >> std::countr_zero(mask), value = (pixel & mask) >> std::countr_zero(mask);
    if (largest == 255) return static_cast<std::uint8_t>(value);
    return static_cast<std::uint8_t>((value * 255 + largest / 2) / largest);
  }
};

struct Header {
  std::int64_t width, height;  // height > 0
  bool top_down;
  std::uint32_t bits;
  std::array<Channel, 3> channels;  // R, G, B of 16- and 32-bit pixels
  std::size_t palette_at, palette_entries, entry_bytes;
  std::size_t pixels_at;  // as the file says

  std::size_t row_bytes() const { return (static_cast<std::size_t>(width) * bits + 7) / 8; }
  std::size_t stride() const { return (row_bytes() + 3) / 4 * 4; }
  /// Some writers leave out the padding of the last row.
  std::size_t pixel_bytes() const { return stride() * static_cast<std::size_t>(height - 1) + row_bytes(); }
};

Header parse_header(Bytes bytes, const DecodeLimits& limits) {
  Header header{};
  header.pixels_at = read_le32(bytes, 10);
  const std::size_t header_bytes = read_le32(bytes, 14);
  const bool core = header_bytes == core_header_bytes;
  check(core || (header_bytes >= info_header_bytes && header_bytes <= 256), ErrorKind::image, "its info header has ",
        header_bytes, " bytes, expected 12, or 40 to 256");

  std::uint32_t compression = none, colours_used = 0;
  if (core) {
    header.width = read_le16(bytes, 18);
    header.height = read_le16(bytes, 20);
    header.bits = read_le16(bytes, 24);
  } else {
    header.width = static_cast<std::int32_t>(read_le32(bytes, 18));
    header.height = static_cast<std::int32_t>(read_le32(bytes, 22));
    header.bits = read_le16(bytes, 28);
    compression = read_le32(bytes, 30);
    colours_used = read_le32(bytes, 46);
  }
  header.top_down = header.height < 0;
  header.height = std::abs(header.height);
  check_extent(header.width, header.height, limits);

  const bool masked = compression == bitfields || compression == alpha_bitfields;
  check(compression == none || masked, ErrorKind::image, "compression ",
        compression == rle8 || compression == rle4 ? "RLE" : cat(compression),
        " is not supported: save it uncompressed");
  const bool deep = header.bits == 16 || header.bits == 32,
             palette = header.bits == 1 || header.bits == 4 || header.bits == 8;
  check(deep || (!masked && (palette || header.bits == 24)), ErrorKind::image, header.bits, " bits a pixel",
        masked ? " with bit masks" : "", ": expected 1, 4, 8, 16, 24 or 32");

  header.palette_at = file_header_bytes + header_bytes;
  if (deep)
    header.channels = header.bits == 16 ? std::array<Channel, 3>{{{0x7c00}, {0x03e0}, {0x001f}}}
                                        : std::array<Channel, 3>{{{0xff0000}, {0x00ff00}, {0x0000ff}}};
  if (masked) {
    constexpr std::size_t masks_at =
        file_header_bytes + info_header_bytes;  // behind the header, or newer ones' own fields
    for (std::size_t i = 0; i < 3; ++i) header.channels[i].mask = read_le32(bytes, masks_at + 4 * i);
    if (header_bytes == info_header_bytes) header.palette_at += compression == bitfields ? 12 : 16;
  }
  if (palette) {
    const std::uint32_t most = 1u << header.bits;
    header.palette_entries = colours_used == 0 || colours_used > most ? most : colours_used;
    header.entry_bytes = core ? 3 : 4;
  }
  return header;
}

/// The file's word, unless the pixels would not fit there or it puts them into a palette that the file has room for.
std::size_t find_pixels(Bytes bytes, const Header& header) {
  const std::size_t packed = header.palette_at + header.palette_entries * header.entry_bytes;
  const auto fits = [&](std::size_t at) { return at <= bytes.size() && header.pixel_bytes() <= bytes.size() - at; };
  if (header.pixels_at >= packed && fits(header.pixels_at)) return header.pixels_at;
  if (fits(packed)) return packed;
  check(header.pixels_at >= header.palette_at && fits(header.pixels_at), ErrorKind::image, "truncated: ", header.width,
        " x ", header.height, " pixels of ", header.bits, " bits need ", packed + header.pixel_bytes(),
        " bytes, the file has ", bytes.size());
  return header.pixels_at;
}

}  // namespace

Frame decode_bmp(Bytes bytes, const DecodeLimits& limits) {
  const Header header = parse_header(bytes, limits);
  const std::size_t pixels_at = find_pixels(bytes, header);

  std::array<std::array<std::uint8_t, 3>, 256> palette{};  // an index past the stored entries is black
  for (std::size_t i = 0; i < header.palette_entries; ++i) {
    const std::size_t entry = header.palette_at + i * header.entry_bytes;
    if (entry + 3 > pixels_at) break;  // fewer stored than announced
    palette[i] = {bytes[entry + 2], bytes[entry + 1], bytes[entry]};
  }

  Frame frame(static_cast<int>(header.width), static_cast<int>(header.height));
  for (int y = 0; y < frame.height; ++y) {
    const auto stored = static_cast<std::size_t>(header.top_down ? y : frame.height - 1 - y);
    const Bytes row = slice(bytes, pixels_at + stored * header.stride(), header.row_bytes());
    std::uint8_t* out = frame.at(0, y);
    for (std::size_t x = 0; x < static_cast<std::size_t>(frame.width); ++x, out += 3) {
      if (header.bits <= 8) {
        const std::size_t bit = x * header.bits;
        const std::uint32_t index = row[bit / 8] >> (8 - header.bits - bit % 8) & ((1u << header.bits) - 1);
        std::copy_n(palette[index].data(), 3, out);
      } else if (header.bits == 24) {
        out[0] = row[3 * x + 2], out[1] = row[3 * x + 1], out[2] = row[3 * x];
      } else {
        const std::uint32_t pixel = header.bits == 16 ? read_le16(row, 2 * x) : read_le32(row, 4 * x);
        for (std::size_t c = 0; c < 3; ++c) out[c] = header.channels[c].level(pixel);
      }
    }
  }
  return frame;
}

}  // namespace giemsa
