// As much of protobuf's wire format as writing an ONNX file takes (protobuf.dev/programming-guides/encoding).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/tensor.h"
#include "weights/byte_view.h"

namespace giemsa {

/// A message under construction: fields in the order in which they are added. Tensors are shared, not copied, however
/// deep the message that holds them is nested, so that a file takes little more memory than its weights.
class Message {
 public:
  void integer(int field, std::int64_t value);
  void real(int field, float value);
  void text(int field, std::string_view value);
  void bytes(int field, const Tensor& value);
  void message(int field, Message part);

  std::size_t size() const { return size_; }

  /// The bytes, piece by piece: `sink(ByteView)`.
  template <class Sink>
  void write(Sink&& sink) const {
    for (const Piece& piece : pieces_) {
      sink(std::as_bytes(std::span(piece.encoded)));
      if (piece.tensor) sink(piece.tensor.bytes());
    }
  }

 private:
  /// Encoded bytes, and the tensor (or none) that follows them.
  struct Piece {
    std::string encoded;
    Tensor tensor;
  };

  std::string& tail();
  void varint(std::uint64_t value);
  void tag(int field, int wire_type);

  std::vector<Piece> pieces_;
  std::size_t size_ = 0;
};

}  // namespace giemsa
