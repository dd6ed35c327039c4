#include "weights/convert/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "engine/base/check.h"

namespace giemsa {
namespace {

/// zlib's decompressor of data without a header.
struct Decompressor {
  Decompressor() { check(inflateInit2(&stream, -MAX_WBITS) == Z_OK, ErrorKind::model, "not enough memory to unpack"); }
  ~Decompressor() { inflateEnd(&stream); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  z_stream stream{};
};

/// What zlib takes at a time of what is left.
uInt next_part(std::size_t left) {
  return static_cast<uInt>(std::min<std::size_t>(left, std::numeric_limits<uInt>::max()));
}

}  // namespace

std::vector<std::byte> inflate(ByteView compressed, std::uint64_t size) {
  constexpr std::uint64_t most_of_one = 1032;  // bytes that DEFLATE makes of one
  check(size / most_of_one <= compressed.size(), ErrorKind::model, "unpacks to less than the ", size, " bytes announced");
  std::vector<std::byte> bytes(size);
  Decompressor decompressor;
  z_stream& stream = decompressor.stream;
  std::byte past_end{};  // zlib wants room for a byte, where none is expected too
  std::size_t read = 0, written = 0;
  for (int status = Z_OK; status != Z_STREAM_END;) {
    const bool full = written == bytes.size();
    const uInt in = next_part(compressed.size() - read), out = full ? 1 : next_part(bytes.size() - written);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(compressed.data() + read));
    stream.avail_in = in;
    stream.next_out = reinterpret_cast<Bytef*>(full ? &past_end : bytes.data() + written);
    stream.avail_out = out;
    status = ::inflate(&stream, Z_NO_FLUSH);
    read += in - stream.avail_in;
    check(!full || stream.avail_out == out, ErrorKind::model, "unpacks to more than the ", size, " bytes announced");
    if (!full) written += out - stream.avail_out;
    check(status == Z_OK || status == Z_STREAM_END, ErrorKind::model, "damaged: its packed data ",
          status == Z_BUF_ERROR ? "end early" : "hold codes that do not exist");
  }
  check(written == size, ErrorKind::model, "unpacks to ", written, " bytes, expected ", size);
  return bytes;
}

}  // namespace giemsa
