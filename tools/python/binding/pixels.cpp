#include "tools/python/binding/pixels.h"

#include <limits>

#include "tools/python/binding/status.h"

namespace giemsa::python {
namespace {

giemsa_format format_of(const std::string& name) {
  constexpr struct {
    const char* name;
    giemsa_format format;
  } formats[] = {{"RGB8", GIEMSA_RGB8},   {"BGR8", GIEMSA_BGR8},   {"RGBX8", GIEMSA_RGBX8}, {"BGRX8", GIEMSA_BGRX8},
                 {"GREY8", GIEMSA_GREY8}, {"RGB16", GIEMSA_RGB16}, {"GREY16", GIEMSA_GREY16}};
  for (const auto& known : formats)
    if (name == known.name) return known.format;
  refuse("there is no pixel format " + name);
}

std::uint32_t side(std::size_t pixels) {
  if (pixels > std::numeric_limits<std::uint32_t>::max()) refuse("an image's side is too long");
  return static_cast<std::uint32_t>(pixels);
}

}  // namespace

Buffer::Buffer(nanobind::handle object) {
  if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_STRIDED_RO) != 0) throw nanobind::python_error();
}

Buffer::~Buffer() {
  PyBuffer_Release(&view_);
}

giemsa_image image_of(const Buffer& pixels, const std::string& format) {
  if (pixels.dimensions() < 2) refuse("pixels have no rows and columns");
  giemsa_image image;
  GIEMSA_INIT(image);
  image.format = format_of(format);
  image.pixels = pixels.data();
  image.height = side(pixels.size(0));
  image.width = side(pixels.size(1));
  image.stride = image.height > 1 ? pixels.stride(0) : 0;  // an array's only row may claim any stride
  return image;
}

}  // namespace giemsa::python
