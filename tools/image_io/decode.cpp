#include "tools/image_io/decode.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
#include <string_view>
#include <vector>

#include "tools/image_io/bmp.h"
#include "tools/image_io/jpeg.h"
#include "tools/image_io/png.h"
#ifdef GIEMSA_TIFF
#include "tools/image_io/tiff.h"
#endif

namespace giemsa {
namespace {

using namespace std::literals;
namespace fs = std::filesystem;

using DecodeFunction = Frame (*)(Bytes, const DecodeLimits&, DecodeNotes&);

struct Format {
  std::string_view signature, name;
  DecodeFunction decode;  // null: known, and refused by name
};

#ifdef GIEMSA_TIFF
constexpr const char* formats_read = "PNG, JPEG, BMP or TIFF";

Frame decode_tiff(Bytes bytes, const DecodeLimits& limits, DecodeNotes& notes) {
  return TiffFile(bytes, limits).read(0, notes);
}

Frame read_tiff(const fs::path& file, const DecodeLimits& limits, DecodeNotes& notes, int number) {
  return TiffFile(file, limits).read(number, notes);
}

int images_in_tiff(const fs::path& file, const DecodeLimits& limits) {
  return TiffFile(file, limits).images();
}
#else
constexpr const char* formats_read = "PNG, JPEG or BMP";
constexpr DecodeFunction decode_tiff = nullptr;  // so none of these files gets as far as the functions below

Frame read_tiff(const fs::path&, const DecodeLimits&, DecodeNotes&, int) {
  fail(ErrorKind::internal, "built without libtiff");
}

int images_in_tiff(const fs::path&, const DecodeLimits&) {
  fail(ErrorKind::internal, "built without libtiff");
}
#endif

constexpr std::size_t longest_signature = 8;
constexpr std::array formats = {
    Format{"\x89PNG\r\n\x1a\n"sv, "PNG", decode_png},
    Format{"\xff\xd8\xff"sv, "JPEG", decode_jpeg},
    Format{"BM"sv, "BMP", decode_bmp},
    Format{"II*\0"sv, "TIFF", decode_tiff},
    Format{"MM\0*"sv, "TIFF", decode_tiff},
    Format{"II+\0"sv, "TIFF", decode_tiff},  // BigTIFF
    Format{"MM\0+"sv, "TIFF", decode_tiff},
    Format{"GIF8"sv, "GIF", nullptr},
    Format{"RIFF"sv, "WebP", nullptr},
};

const Format& sniff(Bytes bytes) {
  check(!bytes.empty(), ErrorKind::image, "is empty (0 bytes)");
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), longest_signature));
  const auto format =
      std::find_if(formats.begin(), formats.end(), [&](const Format& f) { return start.starts_with(f.signature); });
  check(format != formats.end(), ErrorKind::image, "is not an image: expected the content of a ", formats_read,
        " file");
  check(format->decode != nullptr, ErrorKind::image, "is a ", format->name, " file: expected ", formats_read);
  return *format;
}

/// A file that is opened, and what it is by its first bytes.
struct OpenFile {
  std::ifstream stream;
  std::vector<std::uint8_t> start;
  std::uintmax_t size = 0;
  const Format* format = nullptr;

  bool is_tiff() const { return format->name == "TIFF"; }
};

void read_to_end(OpenFile& open, std::vector<std::uint8_t>& bytes, std::size_t from) {
  open.stream.read(reinterpret_cast<char*>(bytes.data()) + from, static_cast<std::streamsize>(bytes.size() - from));
  check(static_cast<std::size_t>(open.stream.gcount()) == bytes.size() - from, ErrorKind::image,
        "cannot be read: expected ", open.size, " bytes, got ", from + static_cast<std::size_t>(open.stream.gcount()));
}

/// Four 16-bit channels, uncompressed, and ample metadata: no image within the limits is larger.
std::uintmax_t most_bytes(const DecodeLimits& limits) {
  return static_cast<std::uintmax_t>(limits.max_pixels) * 8 + (std::uintmax_t{64} << 20);
}

bool is_stream(const fs::path& file) {
  std::error_code ignored;
  return file == standard_input || fs::is_fifo(file, ignored);
}

std::vector<std::uint8_t> read_stream(const fs::path& file, const DecodeLimits& limits) {
  std::ifstream stream(file == standard_input ? fs::path("/dev/stdin") : file, std::ios::binary);
  check(stream.is_open(), ErrorKind::image, "cannot be opened: ", std::strerror(errno));
  std::vector<std::uint8_t> bytes;
  while (stream) {
    constexpr std::size_t step = 1 << 20;
    const std::size_t before = bytes.size();
    check(before <= most_bytes(limits), ErrorKind::image, "has more than ", most_bytes(limits), " bytes");
    bytes.resize(before + step);
    stream.read(reinterpret_cast<char*>(bytes.data()) + before, step);
    bytes.resize(before + static_cast<std::size_t>(stream.gcount()));
  }
  return bytes;
}

/// So that a large file that is no image is refused before it is read.
OpenFile open_image_file(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  check(status.type() != fs::file_type::not_found, ErrorKind::image, "does not exist");
  check(!error, ErrorKind::image, "cannot be read: ", error.message());
  check(status.type() != fs::file_type::directory, ErrorKind::image, "is a folder: expected an image file");
  check(status.type() == fs::file_type::regular, ErrorKind::image, "is not a regular file");

  OpenFile open;
  open.stream.open(file, std::ios::binary);
  check(open.stream.is_open(), ErrorKind::image, "cannot be opened: ", std::strerror(errno));
  open.size = fs::file_size(file, error);
  check(!error, ErrorKind::image, "cannot be read: ", error.message());
  open.start.resize(std::min<std::size_t>(open.size, longest_signature));
  read_to_end(open, open.start, 0);
  open.format = &sniff(open.start);
  return open;
}

std::vector<std::uint8_t> rest_of(OpenFile open, const DecodeLimits& limits) {
  const std::uintmax_t most = most_bytes(limits);
  check(open.size <= most, ErrorKind::image, "has ", open.size, " bytes: expected at most ", most, " for an image of ",
        limits.max_pixels, " pixels");
  std::vector<std::uint8_t> bytes = std::move(open.start);
  const std::size_t start = bytes.size();
  bytes.resize(open.size);
  read_to_end(open, bytes, start);
  return bytes;
}

/// Runs `decode`; its error says which kind of file could not be used.
template <class Decode>
auto decode_as(const Format& format, Decode decode) {
  try {
    return decode();
  } catch (const Error& error) {
    fail(ErrorKind::image, "unusable ", format.name, ": ", error.what());
  }
}

}  // namespace

Frame decode_image(Bytes bytes, const DecodeLimits& limits, DecodeNotes* notes) {
  const Format& format = sniff(bytes);
  DecodeNotes unheard;
  return decode_as(format, [&] { return format.decode(bytes, limits, notes != nullptr ? *notes : unheard); });
}

Frame decode_image(const fs::path& file, const DecodeLimits& limits, DecodeNotes* notes, int number) {
  const std::string name = number == 0 ? file.string() : cat(file.string(), '#', number + 1);
  try {
    DecodeNotes unheard;
    DecodeNotes& heard = notes != nullptr ? *notes : unheard;
    if (is_stream(file)) return decode_image(read_stream(file, limits), limits, &heard);
    OpenFile open = open_image_file(file);
    Frame frame = open.is_tiff() ? decode_as(*open.format, [&] { return read_tiff(file, limits, heard, number); })
                                 : decode_image(rest_of(std::move(open), limits), limits, &heard);
    if (!heard.warning.empty()) heard.warning = cat(name, ": ", heard.warning);
    return frame;
  } catch (const Error& error) {
    fail(ErrorKind::image, name, ": ", error.what());
  } catch (const std::bad_alloc&) {
    fail(ErrorKind::image, name, ": not enough memory to decode it");
  }
}

Labels read_png_labels(const fs::path& file, const DecodeLimits& limits) {
  try {
    OpenFile open = open_image_file(file);
    check(open.format->name == "PNG", ErrorKind::image, "is a ", open.format->name, " file: a label image is a PNG");
    const Format& format = *open.format;
    return decode_as(format, [&] { return decode_png_labels(rest_of(std::move(open), limits), limits); });
  } catch (const Error& error) {
    fail(ErrorKind::image, file.string(), ": ", error.what());
  } catch (const std::bad_alloc&) {
    fail(ErrorKind::image, file.string(), ": not enough memory to decode it");
  }
}

int count_images(const fs::path& file, const DecodeLimits& limits) {
  try {
    return open_image_file(file).is_tiff() ? images_in_tiff(file, limits) : 1;
  } catch (const Error&) {
    return 1;
  }
}

void check_extent(std::int64_t width, std::int64_t height, const DecodeLimits& limits) {
  constexpr std::int64_t max_side = 1 << 24;  // keeps every product below in 64 bits
  check(width > 0 && height > 0 && width <= max_side && height <= max_side, ErrorKind::image, "has sides of ", width,
        " x ", height, ": expected 1 to ", max_side, " pixels");
  check(width * height <= limits.max_pixels, ErrorKind::image, "has ", width, " x ", height, " = ", width * height,
        " pixels: expected at most ", limits.max_pixels);
}

}  // namespace giemsa
