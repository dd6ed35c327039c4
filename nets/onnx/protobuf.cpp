#include "nets/onnx/protobuf.h"

#include <bit>
#include <iterator>

namespace giemsa {

namespace {

enum WireType { varint_type = 0, length_type = 2, fixed32_type = 5 };

}  // namespace

std::string& Message::tail() {
  if (pieces_.empty() || pieces_.back().tensor) pieces_.emplace_back();
  return pieces_.back().encoded;
}

void Message::varint(std::uint64_t value) {
  std::string& out = tail();
  do {
    const std::uint64_t rest = value >> 7;
    out += static_cast<char>((value & 0x7f) | (rest ? 0x80 : 0));
    ++size_;
    value = rest;
  } while (value);
}

void Message::tag(int field, int wire_type) {
  varint(static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(wire_type));
}

void Message::integer(int field, std::int64_t value) {
  tag(field, varint_type);
  varint(static_cast<std::uint64_t>(value));
}

void Message::real(int field, float value) {
  tag(field, fixed32_type);
  const auto bits = std::bit_cast<std::array<char, 4>>(value);  // little-endian, as byte_view.h asserts
  tail().append(bits.data(), bits.size());
  size_ += bits.size();
}

void Message::text(int field, std::string_view value) {
  tag(field, length_type);
  varint(value.size());
  tail() += value;
  size_ += value.size();
}

void Message::bytes(int field, const Tensor& value) {
  tag(field, length_type);
  varint(value.byte_size());
  tail();
  pieces_.back().tensor = value;
  size_ += value.byte_size();
}

void Message::message(int field, Message part) {
  tag(field, length_type);
  varint(part.size_);
  size_ += part.size_;
  for (Piece& piece : part.pieces_) {
    tail() += piece.encoded;
    pieces_.back().tensor = std::move(piece.tensor);
  }
}

}  // namespace giemsa
