#include "engine/base/npy.h"

#include <charconv>
#include <fstream>
#include <iterator>

namespace giemsa {

namespace {

constexpr std::string_view magic{"\x93NUMPY\x01\x00", 8};

constexpr std::string_view descr_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "<f4";
    case DType::i32:
      return "<i4";
    case DType::u8:
      return "|u1";
    default:
      return "";
  }
}

/// The text between `before` and `after` in an .npy header.
std::string_view between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t start = text.find(before);
  if (start == text.npos) return {};
  const std::size_t from = start + before.size(), to = text.find(after, from);
  return to == text.npos ? std::string_view{} : text.substr(from, to - from);
}

}  // namespace

void write_npy(const std::filesystem::path& file, const Tensor& tensor) {
  check(!descr_of(tensor.dtype()).empty(), ErrorKind::internal, "no .npy for ", tensor.dtype());
  std::string header = cat("{'descr': '", descr_of(tensor.dtype()), "', 'fortran_order': False, 'shape': (");
  for (std::int64_t extent : tensor.shape().extents()) header += cat(extent, ",");
  header += "), }";
  header.resize((magic.size() + 2 + header.size() + 1 + 63) / 64 * 64 - magic.size() - 2 - 1, ' ');
  header += '\n';

  std::ofstream out(file, std::ios::binary);
  out << magic << static_cast<char>(header.size() & 0xff) << static_cast<char>(header.size() >> 8) << header;
  out.write(reinterpret_cast<const char*>(tensor.bytes().data()), static_cast<std::streamsize>(tensor.byte_size()));
  out.close();
  check(out.good(), ErrorKind::output, file.string(), ": cannot write");
}

Tensor read_npy(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  check(in.good(), ErrorKind::model, file.string(), ": cannot open");
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  check(bytes.size() >= 10 && bytes.starts_with(magic), ErrorKind::model, file.string(),
        ": not an .npy file of version 1.0");
  const std::size_t header_size = static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
  check(10 + header_size <= bytes.size(), ErrorKind::model, file.string(), ": truncated .npy header");
  const std::string_view header = std::string_view(bytes).substr(10, header_size);

  const std::string_view descr = between(header, "'descr': '", "'");
  DType dtype{};
  if (descr == "<f4")
    dtype = DType::f32;
  else if (descr == "<i4")
    dtype = DType::i32;
  else if (descr == "|u1")
    dtype = DType::u8;
  else
    fail(ErrorKind::model, file.string(), ": element type '", descr, "' is not <f4, <i4 or |u1");
  check(header.find("'fortran_order': False") != header.npos, ErrorKind::model, file.string(), ": not in C order");

  std::vector<std::int64_t> extents;
  std::string_view shape = between(header, "'shape': (", ")");
  while (!shape.empty()) {
    const std::size_t comma = std::min(shape.find(','), shape.size());
    std::string_view number = shape.substr(0, comma);
    while (number.starts_with(' ')) number.remove_prefix(1);
    std::int64_t extent = 0;
    if (!number.empty()) {
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), extent);
      check(error == std::errc{} && end == number.data() + number.size(), ErrorKind::model, file.string(),
            ": bad shape");
      extents.push_back(extent);
    }
    shape.remove_prefix(std::min(comma + 1, shape.size()));
  }
  const Shape dims{std::span<const std::int64_t>(extents)};
  const std::size_t expected = static_cast<std::size_t>(dims.volume()) * size_of(dtype);
  check(bytes.size() - 10 - header_size == expected, ErrorKind::model, file.string(), ": expected ", expected,
        " bytes of values, has ", bytes.size() - 10 - header_size);
  auto owner = std::make_shared<std::vector<std::byte>>(expected);
  std::memcpy(owner->data(), bytes.data() + 10 + header_size, expected);
  const std::byte* data = owner->data();
  return Tensor(dtype, dims, std::shared_ptr<const std::byte>(std::move(owner), data));
}

}  // namespace giemsa
