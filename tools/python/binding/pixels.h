// An array's memory, by Python's buffer protocol.
#pragma once

#include <giemsa.h>
#include <nanobind/nanobind.h>

#include <cstddef>
#include <string>

namespace giemsa::python {

/// Keeps an object's memory where it is while this lives. Made and destroyed with the GIL held; read without it.
class Buffer {
 public:
  explicit Buffer(nanobind::handle object);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  const void* data() const { return view_.buf; }
  std::size_t bytes() const { return static_cast<std::size_t>(view_.len); }
  int dimensions() const { return view_.ndim; }
  std::size_t size(int dimension) const { return static_cast<std::size_t>(view_.shape[dimension]); }
  std::ptrdiff_t stride(int dimension) const { return view_.strides[dimension]; }

 private:
  Py_buffer view_{};
};

/// `pixels`, an array (height, width) or (height, width, channels) whose pixels lie side by side within a row, as an
/// image of `format`, the name of a giemsa_format without GIEMSA_. Throws Failure where there is no such format.
giemsa_image image_of(const Buffer& pixels, const std::string& format);

}  // namespace giemsa::python
