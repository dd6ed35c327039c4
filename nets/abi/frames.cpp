#include "nets/abi/frames.h"

#include <cstring>

#include "nets/abi/status.h"

namespace giemsa::abi {

namespace {

constexpr std::uint64_t most_pixels = 1 << 30;

/// How a pixel lies in memory.
struct PixelFormat {
  int bytes;             ///< from one pixel to the next
  int red, green, blue;  ///< where each is, in bytes
  bool wide;             ///< 16 bits each
};

PixelFormat format_of(const giemsa_image& image) {
  switch (raw(image.format)) {
    case GIEMSA_RGB8:
      return {3, 0, 1, 2, false};
    case GIEMSA_BGR8:
      return {3, 2, 1, 0, false};
    case GIEMSA_RGBX8:
      return {4, 0, 1, 2, false};
    case GIEMSA_BGRX8:
      return {4, 2, 1, 0, false};
    case GIEMSA_GREY8:
      return {1, 0, 0, 0, false};
    case GIEMSA_RGB16:
      return {6, 0, 2, 4, true};
    case GIEMSA_GREY16:
      return {2, 0, 0, 0, true};
    default:
      fail(ErrorKind::usage, "image.format is ", raw(image.format), ", none of giemsa_format");
  }
}

/// Bytes from a row to the one below.
std::ptrdiff_t stride_of(const giemsa_image& image, const PixelFormat& format) {
  const auto row = static_cast<std::ptrdiff_t>(image.width) * format.bytes;
  const std::ptrdiff_t stride = image.stride == 0 ? row : image.stride;
  check(stride >= row || stride <= -row, ErrorKind::usage, "image.stride is ", stride, " bytes, a row has ", row);
  return stride;
}

bool is_on_gpu(const giemsa_image& image) {
  const std::int32_t memory = raw(image.memory);
  check(memory == 0 || memory == GIEMSA_CPU || memory == GIEMSA_CUDA, ErrorKind::usage, "image.memory is ", memory,
        ", none of giemsa_device_kind");
  return memory == GIEMSA_CUDA;
}

std::uint8_t narrowed(const std::uint8_t* wide) {
  std::uint16_t value;
  std::memcpy(&value, wide, sizeof value);
  return static_cast<std::uint8_t>((value * 255u + 32767u) / 65535u);
}

}  // namespace

Size2 size_of(const giemsa_image& image) {
  check(image.pixels != nullptr, ErrorKind::usage, "image.pixels is NULL");
  check(image.width > 0 && image.height > 0, ErrorKind::image, "an image of ", image.width, 'x', image.height,
        " pixels has no cells");
  check(std::uint64_t{image.width} * image.height <= most_pixels, ErrorKind::image, "an image of ", image.width, 'x',
        image.height, " pixels is too large; at most ", most_pixels, " are taken");
  stride_of(image, format_of(image));
  return {image.height, image.width};
}

FramePixels frame_pixels_of(const giemsa_image& image, std::vector<std::uint8_t>& memory) {
  if (!is_on_gpu(image)) return pixels_of(image, memory);
  const std::ptrdiff_t stride = stride_of(image, format_of(image));
  check(raw(image.format) == GIEMSA_RGB8 && stride > 0, ErrorKind::usage,
        "an image in a GPU's memory must be GIEMSA_RGB8 with a positive stride");
  return {static_cast<const std::uint8_t*>(image.pixels), static_cast<std::size_t>(stride), image.cuda_stream};
}

const std::uint8_t* pixels_of(const giemsa_image& image, std::vector<std::uint8_t>& memory) {
  check(!is_on_gpu(image), ErrorKind::usage, "the image has to lie in the host's memory");
  const PixelFormat format = format_of(image);
  const std::ptrdiff_t stride = stride_of(image, format);
  const auto* pixels = static_cast<const std::uint8_t*>(image.pixels);
  const std::size_t row_bytes = std::size_t{image.width} * 3;
  const bool is_rgb = raw(image.format) == GIEMSA_RGB8;
  if (is_rgb && stride == static_cast<std::ptrdiff_t>(row_bytes)) return pixels;

  memory.resize(row_bytes * image.height);
  std::uint8_t* to = memory.data();
  for (std::uint32_t y = 0; y < image.height; ++y, to += row_bytes) {
    const std::uint8_t* from = pixels + static_cast<std::ptrdiff_t>(y) * stride;
    if (is_rgb) {
      std::memcpy(to, from, row_bytes);
      continue;
    }
    for (std::uint32_t x = 0; x < image.width; ++x, from += format.bytes) {
      std::uint8_t* rgb = to + std::size_t{x} * 3;
      rgb[0] = format.wide ? narrowed(from + format.red) : from[format.red];
      rgb[1] = format.wide ? narrowed(from + format.green) : from[format.green];
      rgb[2] = format.wide ? narrowed(from + format.blue) : from[format.blue];
    }
  }
  return memory.data();
}

}  // namespace giemsa::abi
