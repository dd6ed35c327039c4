#include "tools/image_io/bmp.h"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <utility>
#include <vector>

namespace giemsa {
namespace {

constexpr std::size_t file_header_bytes = 14, core_header_bytes = 12, os2_header_bytes = 16, info_header_bytes = 40,
                      largest_header_bytes = 256;
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

struct BmpHeader {
  std::int64_t width, height;  // height > 0
  bool top_down;
  std::uint32_t bits, compression;
  std::array<Channel, 3> channels;  // R, G, B of 16- and 32-bit pixels
  std::size_t header_bytes;         // as the file says
  std::size_t palette_at, palette_entries, entry_bytes;
  std::size_t pixels_at;  // as the file says

  bool run_lengths() const { return compression == rle8 || compression == rle4; }
  std::size_t palette_bytes() const { return palette_entries * entry_bytes; }
  std::size_t row_bytes() const { return (static_cast<std::size_t>(width) * bits + 7) / 8; }
  std::size_t stride() const { return (row_bytes() + 3) / 4 * 4; }
  /// Some writers leave out the padding of the last row.
  std::size_t pixel_bytes() const { return stride() * static_cast<std::size_t>(height - 1) + row_bytes(); }
};

/// The size of the info header; where the file's own word cannot be, that of the usual one if what follows looks like
/// it.
std::size_t header_size(Bytes bytes) {
  const std::size_t said = read_le32(bytes, 14);
  if (said == core_header_bytes || said == os2_header_bytes ||
      (said >= info_header_bytes && said <= largest_header_bytes))
    return said;
  const bool usual = bytes.size() >= file_header_bytes + info_header_bytes && read_le16(bytes, 26) == 1 &&
                     read_le16(bytes, 28) <= 32 && read_le32(bytes, 30) <= alpha_bitfields &&
                     read_le32(bytes, 10) >= file_header_bytes + info_header_bytes;
  check(usual, ErrorKind::image, "its info header has ", said, " bytes, expected 12, 16, or 40 to 256");
  return info_header_bytes;
}

/// Masks of which none is set mean the usual ones.
void set_channels(Bytes bytes, bool masked, BmpHeader& header) {
  header.channels = header.bits == 16 ? std::array<Channel, 3>{{{0x7c00}, {0x03e0}, {0x001f}}}
                                      : std::array<Channel, 3>{{{0xff0000}, {0x00ff00}, {0x0000ff}}};
  if (!masked) return;
  constexpr std::size_t masks_at =
      file_header_bytes + info_header_bytes;  // behind the header, or newer ones' own fields
  std::array<Channel, 3> channels{};
  for (std::size_t i = 0; i < 3; ++i) channels[i].mask = read_le32(bytes, masks_at + 4 * i);
  if (std::ranges::any_of(channels, [](Channel channel) { return channel.mask != 0; })) header.channels = channels;
}

BmpHeader parse_bmp_header(Bytes bytes, const DecodeLimits& limits) {
  BmpHeader header{};
  header.pixels_at = read_le32(bytes, 10);
  header.header_bytes = header_size(bytes);
  const bool core = header.header_bytes == core_header_bytes;

  std::uint32_t colours_used = 0;
  if (core) {
    header.width = read_le16(bytes, 18);
    header.height = read_le16(bytes, 20);
    header.bits = read_le16(bytes, 24);
  } else {
    header.width = static_cast<std::int32_t>(read_le32(bytes, 18));
    header.height = static_cast<std::int32_t>(read_le32(bytes, 22));
    header.bits = read_le16(bytes, 28);
    if (header.header_bytes >= info_header_bytes) {
      header.compression = read_le32(bytes, 30);
      colours_used = read_le32(bytes, 46);
    }
  }
  header.top_down = header.height < 0;
  header.height = std::abs(header.height);
  check_extent(header.width, header.height, limits);

  const bool masked = header.compression == bitfields || header.compression == alpha_bitfields;
  const bool deep = header.bits == 16 || header.bits == 32,
             palette = header.bits == 1 || header.bits == 4 || header.bits == 8;
  check(header.compression == none || masked || (header.compression == rle8 && header.bits == 8) ||
            (header.compression == rle4 && header.bits == 4),
        ErrorKind::image, "compression ", header.compression, " of ", header.bits,
        " bits a pixel is not supported: save it uncompressed");
  check(deep || (!masked && (palette || header.bits == 24)), ErrorKind::image, header.bits, " bits a pixel",
        masked ? " with bit masks" : "", ": expected 1, 4, 8, 16, 24 or 32");

  header.palette_at = file_header_bytes + header.header_bytes;
  if (deep) set_channels(bytes, masked, header);
  if (masked && header.header_bytes == info_header_bytes)
    header.palette_at += header.compression == bitfields ? 12 : 16;
  if (palette) {
    const std::uint32_t most = 1u << header.bits;
    header.palette_entries = colours_used == 0 || colours_used > most ? most : colours_used;
    header.entry_bytes = core ? 3 : 4;
  }
  return header;
}

/// Whether the newer header that the file announces is really there: its colour space is one that exists.
bool has_colour_space(Bytes bytes, std::size_t header_bytes) {
  constexpr std::size_t colour_space_at = file_header_bytes + 56;
  if (header_bytes < 108 || bytes.size() < colour_space_at + 4) return false;
  const std::uint32_t space = read_le32(bytes, colour_space_at);
  return space == 0x73524742 || space == 0x57696e20 || space == 0x4c494e4b ||
         space == 0x4d424544;  // sRGB Win_ LINK MBED
}

/// Where the pixels are. The file's word, unless they would not fit there or it puts them into a palette that the file
/// has room for. A header that is said to be longer than the place of the pixels allows is shorter, not they elsewhere,
/// unless its own fields show that it is as long: then the palette moves with it.
std::size_t find_pixels(Bytes bytes, BmpHeader& header) {
  const std::size_t least = header.run_lengths() ? 2 : header.pixel_bytes();
  const std::size_t packed = header.palette_at + header.palette_bytes();
  const auto fits = [&](std::size_t at) { return at <= bytes.size() && least <= bytes.size() - at; };
  if (header.pixels_at >= packed && fits(header.pixels_at)) return header.pixels_at;

  const std::size_t usual = file_header_bytes + info_header_bytes + header.palette_bytes();
  const bool proven = fits(packed) && (packed + least == bytes.size() || has_colour_space(bytes, header.header_bytes));
  if (header.header_bytes > info_header_bytes && header.pixels_at >= usual && fits(header.pixels_at) && !proven) {
    header.palette_at = header.pixels_at - header.palette_bytes();
    return header.pixels_at;
  }
  if (fits(packed)) return packed;
  check(header.pixels_at >= header.palette_at && fits(header.pixels_at), ErrorKind::image, "truncated: ", header.width,
        " x ", header.height, " pixels of ", header.bits, " bits need ", packed + least, " bytes, the file has ",
        bytes.size());
  return header.pixels_at;
}

using Palette = std::array<std::array<std::uint8_t, 3>, 256>;

/// An index past the stored entries is black.
Palette read_palette(Bytes bytes, const BmpHeader& header, std::size_t pixels_at) {
  Palette palette{};
  for (std::size_t i = 0; i < header.palette_entries; ++i) {
    const std::size_t entry = header.palette_at + i * header.entry_bytes;
    if (entry + 3 > pixels_at) break;  // fewer stored than announced
    palette[i] = {bytes[entry + 2], bytes[entry + 1], bytes[entry]};
  }
  return palette;
}

/// Undoes run-length encoding of 8 or 4 bits: one index a byte, rows as they are stored. Pixels that the data pass over
/// have index 0.
class RunLengths {
 public:
  RunLengths(Bytes data, const BmpHeader& header)
      : data_(data),
        nibbles_(header.bits == 4),
        width_(header.width),
        height_(header.height),
        indices_(static_cast<std::size_t>(width_ * height_)) {}

  std::vector<std::uint8_t> decode() {
    // The end of the picture need not be said where its last row is full.
    while (y_ < height_ && !(at_ == data_.size() && y_ == height_ - 1 && x_ >= width_)) {
      const std::uint8_t count = next(), value = next();
      if (count > 0) {
        for (int i = 0; i < count; ++i) put(nibbles_ ? (i % 2 == 0 ? value >> 4 : value & 15) : value);
      } else if (value == end_of_row) {
        x_ = 0, ++y_;
      } else if (value == end_of_picture) {
        break;
      } else if (value == move) {
        x_ += next();
        y_ += next();
      } else {
        copy(value);
      }
    }
    return std::move(indices_);
  }

 private:
  enum Escape : std::uint8_t { end_of_row = 0, end_of_picture = 1, move = 2 };

  std::uint8_t next() { return slice(data_, at_++, 1)[0]; }

  void put(int index) {
    if (x_ < width_ && y_ < height_)
      indices_[static_cast<std::size_t>(y_ * width_ + x_)] = static_cast<std::uint8_t>(index);
    ++x_;
  }

  void copy(int count) {
    const int bytes = nibbles_ ? (count + 1) / 2 : count;
    for (int i = 0; i < bytes; ++i) {
      const std::uint8_t value = next();
      put(nibbles_ ? value >> 4 : value);
      if (nibbles_ && 2 * i + 1 < count) put(value & 15);
    }
    if (bytes % 2 != 0) next();
  }

  Bytes data_;
  bool nibbles_;
  std::int64_t width_, height_, x_ = 0, y_ = 0;
  std::size_t at_ = 0;
  std::vector<std::uint8_t> indices_;
};

void read_row(Bytes row, const BmpHeader& header, const Palette& palette, int columns, std::uint8_t* out) {
  for (std::size_t x = 0; x < static_cast<std::size_t>(columns); ++x, out += 3) {
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

}  // namespace

Frame decode_bmp(Bytes bytes, const DecodeLimits& limits, DecodeNotes&) {
  BmpHeader header = parse_bmp_header(bytes, limits);
  const std::size_t pixels_at = find_pixels(bytes, header);
  const Palette palette = read_palette(bytes, header, pixels_at);

  constexpr std::int64_t longest_run = 255;
  check(!header.run_lengths() || header.width * header.height / longest_run <= std::ssize(bytes), ErrorKind::image,
        "its ", bytes.size(), " bytes cannot hold ", header.width, " x ", header.height, " pixels");

  Frame frame(static_cast<int>(header.width), static_cast<int>(header.height));
  std::vector<std::uint8_t> indices;
  if (header.run_lengths()) indices = RunLengths(bytes.subspan(pixels_at), header).decode();
  for (int y = 0; y < frame.height; ++y) {
    const auto stored = static_cast<std::size_t>(header.top_down ? y : frame.height - 1 - y);
    if (header.run_lengths()) {
      for (int x = 0; x < frame.width; ++x)
        std::copy_n(
            palette[indices[stored * static_cast<std::size_t>(frame.width) + static_cast<std::size_t>(x)]].data(), 3,
            frame.at(x, y));
    } else {
      const Bytes row = slice(bytes, pixels_at + stored * header.stride(), header.row_bytes());
      read_row(row, header, palette, frame.width, frame.at(0, y));
    }
  }
  return frame;
}

}  // namespace giemsa
