#include "tools/image_io/png.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/image_io/deep_samples.h"
#include "tools/image_io/exif.h"

namespace giemsa {
namespace {

enum Colour : std::uint8_t { grey = 0, rgb = 2, indexed = 3, grey_alpha = 4, rgb_alpha = 6 };

struct PngHeader {
  int width, height, depth;
  Colour colour;
  bool interlaced;

  int channels() const { return colour == rgb ? 3 : colour == rgb_alpha ? 4 : colour == grey_alpha ? 2 : 1; }
  std::size_t row_bytes(int columns) const {
    return (static_cast<std::size_t>(columns) * static_cast<std::size_t>(channels() * depth) + 7) / 8;
  }
};

struct Chunks {
  PngHeader header;
  Bytes palette;  // RGB triples
  std::vector<Bytes> image_data;
  int significant_bits = 0;  // the most of any channel; 0: not said
  std::optional<int> orientation;
  std::optional<PixelSize> pixel_size;
};

/// One sub-image of an interlaced file (Adam7), or the whole of one that is not.
struct Pass {
  int x0, y0, dx, dy;

  int columns(const PngHeader& h) const { return (h.width - x0 + dx - 1) / dx; }
  int rows(const PngHeader& h) const { return (h.height - y0 + dy - 1) / dy; }
};

constexpr std::array whole = {Pass{0, 0, 1, 1}};
constexpr std::array adam7 = {Pass{0, 0, 8, 8}, Pass{4, 0, 8, 8}, Pass{0, 4, 4, 8}, Pass{2, 0, 4, 4},
                              Pass{0, 2, 2, 4}, Pass{1, 0, 2, 2}, Pass{0, 1, 1, 2}};

std::span<const Pass> passes_of(const PngHeader& header) {
  return header.interlaced ? std::span<const Pass>(adam7) : std::span<const Pass>(whole);
}

PngHeader parse_png_header(Bytes data, const DecodeLimits& limits) {
  check(data.size() == 13, ErrorKind::image, "its header has ", data.size(), " bytes, expected 13");
  const std::uint32_t width = read_be32(data, 0), height = read_be32(data, 4);
  check_extent(width, height, limits);
  const int depth = data[8], colour = data[9];
  const bool known = colour == grey      ? depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16
                     : colour == indexed ? depth == 1 || depth == 2 || depth == 4 || depth == 8
                     : colour == rgb || colour == grey_alpha || colour == rgb_alpha ? depth == 8 || depth == 16
                                                                                    : false;
  check(known, ErrorKind::image, "colour type ", colour, " with ", depth, " bits does not exist");
  check(data[10] == 0 && data[11] == 0 && data[12] <= 1, ErrorKind::image,
        "unknown compression, filter or interlace method ", int{data[10]}, ", ", int{data[11]}, ", ", int{data[12]});
  return {static_cast<int>(width), static_cast<int>(height), depth, static_cast<Colour>(colour), data[12] == 1};
}

/// Some writers put the head of a JPEG's Exif segment into the chunk too.
std::optional<int> orientation_of(Bytes exif) {
  constexpr std::string_view head("Exif\0\0", 6);
  const bool has_head = exif.size() > head.size() && std::equal(head.begin(), head.end(), exif.begin());
  return exif_orientation(has_head ? exif.subspan(head.size()) : exif);
}

/// From pixels a metre.
std::optional<PixelSize> pixel_size_of(Bytes data) {
  constexpr std::uint8_t metre = 1;
  if (data.size() != 9 || data[8] != metre) return {};
  return plausible_pixel_size(1e6 / read_be32(data, 0), 1e6 / read_be32(data, 4));
}

int significant_bits_of(Bytes data, const PngHeader& header) {
  const auto colours = static_cast<std::size_t>(header.colour == rgb || header.colour == rgb_alpha ? 3 : 1);
  const int most = *std::ranges::max_element(data.first(std::min(colours, data.size())));
  return most <= header.depth ? most : 0;
}

Chunks parse_chunks(Bytes bytes, const DecodeLimits& limits) {
  Chunks chunks{};
  bool first = true;
  for (std::size_t at = 8;;) {
    const std::size_t length = read_be32(bytes, at);
    const Bytes typed = slice(bytes, at + 4, length + 4), data = typed.subspan(4);
    const std::string_view type(reinterpret_cast<const char*>(typed.data()), 4);
    const std::uint32_t checksum = read_be32(bytes, at + 8 + length);
    check((type == "IHDR") == first, ErrorKind::image, first ? "its first chunk is not IHDR" : "it has two headers");
    first = false;
    const bool critical = type == "IHDR" || type == "PLTE" || type == "IDAT" || type == "IEND";
    check(!critical || crc32_z(0, typed.data(), typed.size()) == checksum, ErrorKind::image,
          "damaged: the checksum of chunk ", type, " at offset ", at, " does not match");
    const bool sound =
        critical || ((type == "eXIf" || type == "sBIT" || type == "pHYs") && crc32_z(0, typed.data(), typed.size()) == checksum);
    if (type == "eXIf" && sound && !chunks.orientation) chunks.orientation = orientation_of(data);
    if (type == "sBIT" && sound && !data.empty()) chunks.significant_bits = significant_bits_of(data, chunks.header);
    if (type == "pHYs" && sound) chunks.pixel_size = pixel_size_of(data);
    if (type == "IHDR") chunks.header = parse_png_header(data, limits);
    if (type == "PLTE") chunks.palette = data;
    if (type == "IDAT") chunks.image_data.push_back(data);
    if (type == "IEND") return chunks;
    at += 12 + length;
  }
}

/// The inflated bytes of consecutive IDAT chunks, as a stream.
class Inflater {
 public:
  explicit Inflater(const std::vector<Bytes>& chunks) : next_(chunks.begin()), end_(chunks.end()) {
    if (inflateInit(&stream_) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Fills `out`; false where the data end before.
  bool read(std::span<std::uint8_t> out) {
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<uInt>(out.size());
    while (stream_.avail_out != 0) {
      if (stream_.avail_in == 0) {
        if (next_ == end_) return false;
        stream_.next_in = const_cast<Bytef*>(next_->data());  // zlib reads it only
        stream_.avail_in = static_cast<uInt>(next_->size());
        ++next_;
      }
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_STREAM_END) return stream_.avail_out == 0;
      if (status == Z_MEM_ERROR) throw std::bad_alloc();
      check(status == Z_OK || status == Z_BUF_ERROR, ErrorKind::image,
            "damaged: its compressed data: ", stream_.msg ? stream_.msg : "invalid");
    }
    return true;
  }

 private:
  z_stream stream_{};
  std::vector<Bytes>::const_iterator next_, end_;
};

int paeth(int left, int up, int up_left) {
  const int to_left = std::abs(up - up_left), to_up = std::abs(left - up_left),
            to_both = std::abs(left + up - 2 * up_left);
  return to_left <= to_up && to_left <= to_both ? left : to_up <= to_both ? up : up_left;
}

/// Undoes the row's filter in place. `up` is the row above (zeros above the first); `pixel` the bytes from one pixel to
/// the next, at least 1.
void unfilter(int filter, std::span<std::uint8_t> row, const std::vector<std::uint8_t>& up, std::size_t pixel) {
  const std::size_t head = std::min(pixel, row.size());
  switch (filter) {
    case 0:
      return;
    case 1:
      for (std::size_t i = pixel; i < row.size(); ++i) row[i] += row[i - pixel];
      return;
    case 2:
      for (std::size_t i = 0; i < row.size(); ++i) row[i] += up[i];
      return;
    case 3:
      for (std::size_t i = 0; i < head; ++i) row[i] += up[i] / 2;
      for (std::size_t i = pixel; i < row.size(); ++i)
        row[i] += static_cast<std::uint8_t>((row[i - pixel] + up[i]) / 2);
      return;
    case 4:
      for (std::size_t i = 0; i < head; ++i) row[i] += up[i];
      for (std::size_t i = pixel; i < row.size(); ++i)
        row[i] += static_cast<std::uint8_t>(paeth(row[i - pixel], up[i], up[i - pixel]));
      return;
    default:
      fail(ErrorKind::image, "damaged: row filter ", filter, ", expected 0 to 4");
  }
}

/// Sample `i` of a row of at most 8 bits: its 8-bit level, or the palette index.
std::uint8_t sample(Bytes row, std::size_t i, const PngHeader& header) {
  if (header.depth == 8) return row[i];
  const std::size_t bit = i * static_cast<std::size_t>(header.depth);
  const int largest = (1 << header.depth) - 1;
  const int value = row[bit / 8] >> (8 - header.depth - static_cast<int>(bit % 8)) & largest;
  return static_cast<std::uint8_t>(header.colour == indexed ? value : value * 255 / largest);
}

/// Writes a row's pixels as RGB, `step` pixels apart.
void expand(Bytes row, const Chunks& chunks, int columns, std::uint8_t* out, int step) {
  const PngHeader& header = chunks.header;
  const auto channels = static_cast<std::size_t>(header.channels());
  const std::size_t green = channels >= 3 ? 1 : 0, blue = 2 * green;
  if (header.colour == rgb && header.depth == 8 && step == 1) {
    std::copy(row.begin(), row.end(), out);
    return;
  }
  for (std::size_t x = 0; x < static_cast<std::size_t>(columns); ++x, out += 3 * step) {
    if (header.colour == indexed) {
      const std::size_t entry = sample(row, x, header) * std::size_t{3};
      check(entry + 3 <= chunks.palette.size(), ErrorKind::image, "damaged: palette index ", entry / 3,
            ", expected below ", chunks.palette.size() / 3);
      std::copy_n(&chunks.palette[entry], 3, out);
    } else {
      out[0] = sample(row, x * channels, header);
      out[1] = sample(row, x * channels + green, header);
      out[2] = sample(row, x * channels + blue, header);
    }
  }
}

/// The same for 16-bit samples.
void expand(Bytes row, const PngHeader& header, int columns, std::uint16_t* out, int step) {
  const auto channels = static_cast<std::size_t>(header.channels());
  const std::size_t green = channels >= 3 ? 1 : 0, blue = 2 * green;
  const auto sample_at = [&](std::size_t i) { return static_cast<std::uint16_t>(row[2 * i] << 8 | row[2 * i + 1]); };
  for (std::size_t x = 0; x < static_cast<std::size_t>(columns); ++x, out += 3 * step) {
    out[0] = sample_at(x * channels);
    out[1] = sample_at(x * channels + green);
    out[2] = sample_at(x * channels + blue);
  }
}

/// Calls `row_done` with each row's samples, undone of its filter: of which pass, and which row of the picture it is.
template <class RowDone>
void inflate_rows(const Chunks& chunks, const RowDone& row_done) {
  const PngHeader& header = chunks.header;
  const std::span<const Pass> passes = passes_of(header);
  Inflater inflater(chunks.image_data);
  const auto pixel = static_cast<std::size_t>(std::max(1, header.channels() * header.depth / 8));
  std::vector<std::uint8_t> row(1 + header.row_bytes(header.width)), above(header.row_bytes(header.width));
  for (const Pass& pass : passes) {
    const int columns = pass.columns(header);
    if (columns <= 0) continue;
    const std::span filtered(row.data(), 1 + header.row_bytes(columns));
    const std::span samples = filtered.subspan(1);
    std::fill(above.begin(), above.end(), std::uint8_t{0});
    for (int y = pass.y0; y < header.height; y += pass.dy) {
      check(inflater.read(filtered), ErrorKind::image, "truncated: its image data end before row ", y, " of ",
            header.height);
      unfilter(filtered[0], samples, above, pixel);
      row_done(samples, pass, y);
      std::copy(samples.begin(), samples.end(), above.begin());
    }
  }
}

void check_room(const Chunks& chunks) {
  const PngHeader& header = chunks.header;
  std::size_t raw = 0, packed = 0;
  for (const Pass& pass : passes_of(header))
    if (pass.columns(header) > 0 && pass.rows(header) > 0)
      raw += static_cast<std::size_t>(pass.rows(header)) * (1 + header.row_bytes(pass.columns(header)));
  for (const Bytes& data : chunks.image_data) packed += data.size();
  // Deflate's best is 258 bytes from two bits.
  check(raw / 1032 <= packed, ErrorKind::image, "its ", packed, " bytes of compressed data cannot hold ", header.width,
        " x ", header.height, " pixels (", raw, " bytes)");
}

Frame decode_pixels(const Chunks& chunks, DecodeNotes& notes) {
  const PngHeader& header = chunks.header;
  if (header.depth == 16) {
    DeepFrame deep(header.width, header.height);
    inflate_rows(chunks, [&](Bytes row, const Pass& pass, int y) {
      expand(row, header, pass.columns(header), deep.at(pass.x0, y), pass.dx);
    });
    return to_eight_bits(deep, chunks.significant_bits, notes);
  }
  Frame frame(header.width, header.height);
  inflate_rows(chunks, [&](Bytes row, const Pass& pass, int y) {
    expand(row, chunks, pass.columns(header), frame.at(pass.x0, y), pass.dx);
  });
  return frame;
}

}  // namespace

Frame decode_png(Bytes bytes, const DecodeLimits& limits, DecodeNotes& notes) {
  const Chunks chunks = parse_chunks(bytes, limits);
  check_room(chunks);
  const int orientation = chunks.orientation.value_or(1);
  notes.pixel_size = chunks.pixel_size;
  if (notes.pixel_size && is_transposed(orientation)) std::swap(notes.pixel_size->x, notes.pixel_size->y);
  return upright(decode_pixels(chunks, notes), orientation);
}

Labels decode_png_labels(Bytes bytes, const DecodeLimits& limits) {
  const Chunks chunks = parse_chunks(bytes, limits);
  check_room(chunks);
  const PngHeader& header = chunks.header;
  const bool whole_samples = (header.colour == grey && header.depth >= 8) || (header.colour == indexed && header.depth == 8);
  check(whole_samples, ErrorKind::image, "is no label image: expected grey of 8 or 16 bits, or a palette of 8");
  Labels labels(header.width, header.height);
  inflate_rows(chunks, [&](Bytes row, const Pass& pass, int y) {
    for (int i = 0; i < pass.columns(header); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const int value = header.depth == 16 ? row[2 * at] << 8 | row[2 * at + 1] : row[at];
      labels.at(pass.x0 + i * pass.dx, y) = static_cast<std::uint16_t>(value);
    }
  });
  return labels;
}

}  // namespace giemsa
