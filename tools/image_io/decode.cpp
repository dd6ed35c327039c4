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

namespace giemsa {
namespace {

using namespace std::literals;
namespace fs = std::filesystem;

using Decoder = Frame (*)(Bytes, const DecodeLimits&, DecodeNotes&);

struct Format {
  std::string_view signature, name;
  Decoder decode;  // null: known, and refused by name
};

constexpr std::size_t longest_signature = 8;
constexpr std::array formats = {
    Format{"\x89PNG\r\n\x1a\n"sv, "PNG", decode_png},
    Format{"\xff\xd8\xff"sv, "JPEG", decode_jpeg},
    Format{"BM"sv, "BMP", decode_bmp},
    Format{"II*\0"sv, "TIFF", nullptr},
    Format{"MM\0*"sv, "TIFF", nullptr},
    Format{"GIF8"sv, "GIF", nullptr},
    Format{"RIFF"sv, "WebP", nullptr},
};

const Format& sniff(Bytes bytes) {
  check(!bytes.empty(), ErrorKind::image, "is empty (0 bytes)");
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), longest_signature));
  const auto format =
      std::find_if(formats.begin(), formats.end(), [&](const Format& f) { return start.starts_with(f.signature); });
  check(format != formats.end(), ErrorKind::image, "is not an image: expected the content of a PNG, JPEG or BMP file");
  check(format->decode != nullptr, ErrorKind::image, "is a ", format->name, " file: expected PNG, JPEG or BMP");
  return *format;
}

std::vector<std::uint8_t> read_image_file(const fs::path& file, const DecodeLimits& limits) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  check(status.type() != fs::file_type::not_found, ErrorKind::image, "does not exist");
  check(!error, ErrorKind::image, "cannot be read: ", error.message());
  check(status.type() != fs::file_type::directory, ErrorKind::image, "is a folder: expected an image file");
  check(status.type() == fs::file_type::regular, ErrorKind::image, "is not a regular file");

  std::ifstream stream(file, std::ios::binary);
  check(stream.is_open(), ErrorKind::image, "cannot be opened: ", std::strerror(errno));
  // Four 16-bit channels, uncompressed, and ample metadata: no image within the limits is larger.
  const auto most = static_cast<std::uintmax_t>(limits.max_pixels) * 8 + (std::uintmax_t{64} << 20);
  const std::uintmax_t size = fs::file_size(file, error);
  check(!error && size <= most, ErrorKind::image, "has ", size, " bytes: expected at most ", most, " for an image of ",
        limits.max_pixels, " pixels");

  std::vector<std::uint8_t> bytes(std::min<std::size_t>(size, longest_signature));
  const auto read_to = [&](std::size_t from) {
    stream.read(reinterpret_cast<char*>(bytes.data()) + from, static_cast<std::streamsize>(bytes.size() - from));
    check(static_cast<std::size_t>(stream.gcount()) == bytes.size() - from, ErrorKind::image,
          "cannot be read: expected ", size, " bytes, got ", from + static_cast<std::size_t>(stream.gcount()));
  };
  read_to(0);
  sniff(bytes);  // so that a large file that is no image is refused before it is read
  const std::size_t start = bytes.size();
  bytes.resize(size);
  read_to(start);
  return bytes;
}

}  // namespace

Frame decode_image(Bytes bytes, const DecodeLimits& limits, DecodeNotes* notes) {
  const Format& format = sniff(bytes);
  DecodeNotes unheard;
  try {
    return format.decode(bytes, limits, notes != nullptr ? *notes : unheard);
  } catch (const Error& error) {
    fail(ErrorKind::image, "unusable ", format.name, ": ", error.what());
  }
}

Frame decode_image(const fs::path& file, const DecodeLimits& limits, DecodeNotes* notes) {
  try {
    Frame frame = decode_image(read_image_file(file, limits), limits, notes);
    if (notes != nullptr && !notes->warning.empty()) notes->warning = cat(file.string(), ": ", notes->warning);
    return frame;
  } catch (const Error& error) {
    fail(ErrorKind::image, file.string(), ": ", error.what());
  } catch (const std::bad_alloc&) {
    fail(ErrorKind::image, file.string(), ": not enough memory to decode it");
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
