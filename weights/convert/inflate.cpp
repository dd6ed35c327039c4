#include "weights/convert/inflate.h"

#include <algorithm>
#include <array>
#include <span>

namespace giemsa {

namespace {

/// Bits of the input, the least significant of each byte first.
class BitReader {
 public:
  explicit BitReader(ByteView bytes) : bytes_(bytes) {}

  /// The next `count` bits, at most 16, the first the least significant.
  std::uint32_t take(int count) {
    while (held_ < count) {
      check(at_ < bytes_.size(), ErrorKind::model, "its compressed data end early");
      bits_ |= static_cast<std::uint32_t>(bytes_[at_++]) << held_;
      held_ += 8;
    }
    const std::uint32_t result = bits_ & ((std::uint32_t{1} << count) - 1);
    bits_ >>= count;
    held_ -= count;
    return result;
  }

  /// Bytes from the next byte boundary on.
  ByteView take_bytes(std::size_t count) {
    at_ -= static_cast<std::size_t>(held_ / 8);
    bits_ = 0;
    held_ = 0;
    const ByteView taken = slice(bytes_, at_, count, "its compressed data");
    at_ += count;
    return taken;
  }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
  std::uint32_t bits_ = 0;
  int held_ = 0;
};

/// A canonical Huffman code (RFC 1951, 3.2.2): codes of one length are consecutive, in the order of their symbols.
class HuffmanCode {
 public:
  /// `lengths`: bits of each symbol's code; 0: the symbol does not occur.
  explicit HuffmanCode(std::span<const std::uint8_t> lengths) : symbols_(lengths.size()) {
    for (const std::uint8_t length : lengths) ++counts_[length];
    counts_[0] = 0;
    int left = 1;  // codes of the current length that are still free
    std::array<std::uint16_t, longest + 1> first{};
    for (std::size_t length = 1; length <= longest; ++length) {
      left = 2 * left - counts_[length];
      check(left >= 0, ErrorKind::model, "its compressed data have an impossible code");
      if (length < longest) first[length + 1] = static_cast<std::uint16_t>(first[length] + counts_[length]);
    }
    for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol)
      if (lengths[symbol] > 0) symbols_[first[lengths[symbol]]++] = static_cast<std::uint16_t>(symbol);
  }

  std::uint32_t read(BitReader& bits) const {
    std::uint32_t code = 0, first = 0, index = 0;
    for (std::size_t length = 1; length <= longest; ++length) {
      code |= bits.take(1);
      const std::uint32_t count = counts_[length];
      if (code < first + count) return symbols_[index + (code - first)];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    fail(ErrorKind::model, "its compressed data use a code that is not there");
  }

 private:
  static constexpr std::size_t longest = 15;
  std::array<std::uint16_t, longest + 1> counts_{};
  std::vector<std::uint16_t> symbols_;
};

struct Codes {
  HuffmanCode literals, distances;
};

Codes fixed_codes() {
  std::array<std::uint8_t, 288> literals;
  for (std::size_t symbol = 0; symbol < literals.size(); ++symbol)
    literals[symbol] = symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8;
  std::array<std::uint8_t, 30> distances;
  distances.fill(5);
  return {HuffmanCode(literals), HuffmanCode(distances)};
}

/// The codes that a block brings along, themselves as a code of their lengths.
Codes read_codes(BitReader& bits) {
  constexpr std::array<std::uint8_t, 19> order{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  const std::size_t literals = bits.take(5) + 257, distances = bits.take(5) + 1, count = bits.take(4) + 4;
  check(literals <= 286 && distances <= 30, ErrorKind::model, "its compressed data have too many codes");
  std::array<std::uint8_t, 19> length_lengths{};
  for (std::size_t i = 0; i < count; ++i) length_lengths[order[i]] = static_cast<std::uint8_t>(bits.take(3));
  const HuffmanCode length_code(length_lengths);

  std::vector<std::uint8_t> lengths;
  while (lengths.size() < literals + distances) {
    const std::uint32_t symbol = length_code.read(bits);
    if (symbol < 16) {
      lengths.push_back(static_cast<std::uint8_t>(symbol));
      continue;
    }
    check(symbol != 16 || !lengths.empty(), ErrorKind::model, "its compressed data repeat what is not there");
    const std::uint8_t repeated = symbol == 16 ? lengths.back() : 0;
    const std::size_t times = symbol == 16 ? 3 + bits.take(2) : symbol == 17 ? 3 + bits.take(3) : 11 + bits.take(7);
    lengths.insert(lengths.end(), times, repeated);
  }
  check(lengths.size() == literals + distances, ErrorKind::model, "its compressed data have too many code lengths");
  const std::span<const std::uint8_t> all = lengths;
  return {HuffmanCode(all.first(literals)), HuffmanCode(all.subspan(literals))};
}

class Inflater {
 public:
  Inflater(ByteView compressed, std::uint64_t size) : bits_(compressed), size_(size) {}

  std::vector<std::byte> run() {
    for (bool last = false; !last;) {
      last = bits_.take(1) == 1;
      switch (bits_.take(2)) {
        case 0:
          copy_stored();
          break;
        case 1:
          decode(fixed_codes());
          break;
        case 2:
          decode(read_codes(bits_));
          break;
        default:
          fail(ErrorKind::model, "its compressed data have a block of an unknown kind");
      }
    }
    check(out_.size() == size_, ErrorKind::model, "unpacks to ", out_.size(), " bytes, expected ", size_);
    return std::move(out_);
  }

 private:
  void require_room(std::size_t count) const {
    check(count <= size_ - out_.size(), ErrorKind::model, "unpacks to more than the ", size_, " bytes announced");
  }

  void copy_stored() {
    const ByteView header = bits_.take_bytes(4);
    const auto count = read_le<std::uint16_t>(header, 0, ""), complement = read_le<std::uint16_t>(header, 2, "");
    check(static_cast<std::uint16_t>(~complement) == count, ErrorKind::model, "its compressed data are damaged");
    require_room(count);
    const ByteView bytes = bits_.take_bytes(count);
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }

  void decode(const Codes& codes) {
    constexpr std::uint32_t end_of_block = 256;
    while (true) {
      const std::uint32_t symbol = codes.literals.read(bits_);
      if (symbol == end_of_block) return;
      if (symbol < end_of_block) {
        require_room(1);
        out_.push_back(static_cast<std::byte>(symbol));
      } else {
        copy_match(symbol - end_of_block - 1, codes.distances);
      }
    }
  }

  /// Repeats what stands some distance back; the repeated bytes may overlap those that they are copied from.
  void copy_match(std::uint32_t length_symbol, const HuffmanCode& distances) {
    constexpr std::array<std::uint16_t, 29> length_base{3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                                        31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    constexpr std::array<std::uint8_t, 29> length_bits{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                       2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    check(length_symbol < length_base.size(), ErrorKind::model, "its compressed data have an unknown length");
    const std::size_t length = length_base[length_symbol] + bits_.take(length_bits[length_symbol]);

    const std::uint32_t symbol = distances.read(bits_);
    check(symbol < 30, ErrorKind::model, "its compressed data have an unknown distance");
    // 1, 2, 3, 4, then two symbols per power of two, each with as many extra bits as the interval needs.
    const int extra = symbol < 4 ? 0 : static_cast<int>(symbol / 2 - 1);
    const std::size_t base = symbol < 4 ? symbol + 1 : (std::size_t{2 + symbol % 2} << extra) + 1;
    const std::size_t distance = base + bits_.take(extra);
    check(distance <= out_.size(), ErrorKind::model, "its compressed data reach back before their start");
    require_room(length);
    for (std::size_t i = 0; i < length; ++i) out_.push_back(out_[out_.size() - distance]);
  }

  BitReader bits_;
  std::uint64_t size_;
  std::vector<std::byte> out_;
};

}  // namespace

std::vector<std::byte> inflate(ByteView compressed, std::uint64_t size) {
  return Inflater(compressed, size).run();
}

}  // namespace giemsa
