#include "tools/image_io/jpeg.h"

#include <stb/stb_image.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <memory>
#include <new>
#include <numeric>
#include <string_view>

#include "tools/image_io/exif.h"

namespace giemsa {
namespace {

using namespace std::literals;

namespace marker {
constexpr int baseline = 0xc0, extended = 0xc1, progressive = 0xc2, huffman_tables = 0xc4, extension = 0xc8,
              arithmetic_tables = 0xcc, last_frame = 0xcf, first_restart = 0xd0, start_of_image = 0xd8,
              end_of_image = 0xd9, start_of_scan = 0xda, exif = 0xe1;
}  // namespace marker

struct Component {
  int id, h, v;
  bool scanned;
};

/// What the markers of a file say, gathered in one walk.
class Walk {
 public:
  Walk(Bytes bytes, const DecodeLimits& limits) : bytes_(bytes), limits_(limits) {
    for (int code = next_marker(); code != marker::end_of_image; code = next_marker()) {
      if (code >= marker::first_restart && code <= marker::start_of_image) continue;  // these stand alone
      const Bytes segment = next_segment();
      if (code == marker::start_of_scan) {
        read_scan(segment);
      } else if (code == marker::huffman_tables) {
        check_huffman_tables(segment);
      } else if (code == marker::exif && segment_is_exif(segment)) {
        orientation_ = exif_orientation(segment.subspan(6));
      } else if (code >= marker::baseline && code <= marker::last_frame && code != marker::extension &&
                 code != marker::arithmetic_tables) {
        read_frame(code, segment);
      }
    }
    check(count_ > 0, ErrorKind::image, "no image in it: its end comes before any frame header");
    for (const Component& c : components())
      check(c.scanned, ErrorKind::image, "no image data for component ", c.id, " before its end");
  }

  int width() const { return width_; }
  int height() const { return height_; }
  int orientation() const { return orientation_; }
  /// Just behind the end-of-image marker.
  std::size_t end() const { return at_; }

 private:
  std::span<Component> components() { return {components_.data(), static_cast<std::size_t>(count_)}; }

  static bool segment_is_exif(Bytes segment) {
    return segment.size() > 6 && std::memcmp(segment.data(), "Exif\0\0", 6) == 0;
  }

  /// The next marker's code. Like every decoder it skips stray bytes before the marker.
  int next_marker() {
    while (at_ + 1 < bytes_.size()) {
      const auto* found = static_cast<const std::uint8_t*>(std::memchr(&bytes_[at_], 0xff, bytes_.size() - 1 - at_));
      if (found == nullptr) break;
      at_ = static_cast<std::size_t>(found - bytes_.data()) + 1;
      if (bytes_[at_] != 0x00 && bytes_[at_] != 0xff) return bytes_[at_++];
    }
    fail(ErrorKind::image, "truncated: its ", bytes_.size(), " bytes end before the end-of-image marker");
  }

  Bytes next_segment() {
    const std::size_t length = read_be16(bytes_, at_);  // counts itself
    check(length >= 2, ErrorKind::image, "damaged: a segment of length ", length, " at offset ", at_);
    const Bytes segment = slice(bytes_, at_, length).subspan(2);
    at_ += length;
    return segment;
  }

  void read_frame(int code, Bytes segment) {
    check(code == marker::baseline || code == marker::extended || code == marker::progressive, ErrorKind::image,
          "lossless, hierarchical and arithmetic coding are not supported (frame type ", code - marker::baseline, ")");
    check(count_ == 0, ErrorKind::image, "damaged: it has two frame headers");
    progressive_ = code == marker::progressive;
    check(slice(segment, 0, 6)[0] == 8, ErrorKind::image, "has ", int{segment[0]}, " bits a sample, expected 8");
    height_ = static_cast<int>(read_be16(segment, 1));
    width_ = static_cast<int>(read_be16(segment, 3));
    check_extent(width_, height_, limits_);
    count_ = segment[5];
    check(count_ == 1 || count_ == 3 || count_ == 4, ErrorKind::image, "has ", count_,
          " components, expected 1, 3 or 4");
    for (std::size_t i = 0; i < static_cast<std::size_t>(count_); ++i) {
      const Bytes entry = slice(segment, 6 + 3 * i, 3);
      components_[i] = {entry[0], entry[1] >> 4, entry[1] & 15, false};
      check(components_[i].h >= 1 && components_[i].h <= 4 && components_[i].v >= 1 && components_[i].v <= 4,
            ErrorKind::image, "damaged: sampling factors ", components_[i].h, " x ", components_[i].v,
            ", expected 1 to 4");
      max_h_ = std::max(max_h_, components_[i].h);
      max_v_ = std::max(max_v_, components_[i].v);
    }
  }

  /// stb_image 2.27 writes past its table where a file's code lengths announce more than the 256 possible symbols.
  static void check_huffman_tables(Bytes segment) {
    while (!segment.empty()) {
      const Bytes counts = slice(segment, 1, 16);
      const std::size_t symbols = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
      check(symbols <= 256, ErrorKind::image, "damaged: a Huffman table of ", symbols,
            " symbols, expected at most 256");
      slice(segment, 17, symbols);
      segment = segment.subspan(17 + symbols);
    }
  }

  /// Blocks of 8 x 8 samples that a scan of these components codes.
  std::int64_t blocks_of(std::span<Component* const> scanned) const {
    const auto ceil_div = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
    if (scanned.size() == 1)
      return ceil_div(ceil_div(std::int64_t{width_} * scanned[0]->h, max_h_), 8) *
             ceil_div(ceil_div(std::int64_t{height_} * scanned[0]->v, max_v_), 8);
    std::int64_t per_unit = 0;
    for (const Component* c : scanned) per_unit += c->h * c->v;
    return per_unit * ceil_div(width_, 8 * max_h_) * ceil_div(height_, 8 * max_v_);
  }

  void read_scan(Bytes segment) {
    check(count_ > 0, ErrorKind::image, "damaged: a scan before the frame header");
    check(++scans_ <= max_scans, ErrorKind::image, "has more than ", max_scans, " scans");
    const std::size_t scanned_count = slice(segment, 0, 1)[0];
    check(scanned_count >= 1 && scanned_count <= 4, ErrorKind::image, "damaged: a scan of ", scanned_count,
          " components, expected 1 to 4");
    const Bytes header = slice(segment, 1, 2 * scanned_count + 3);
    const bool first_coefficients = header[2 * scanned_count] == 0;

    std::array<Component*, 4> scanned{};
    for (std::size_t i = 0; i < scanned_count; ++i) {
      const auto all = components();
      const auto c =
          std::find_if(all.begin(), all.end(), [&](const Component& one) { return one.id == header[2 * i]; });
      check(c != all.end(), ErrorKind::image, "damaged: a scan of component ", int{header[2 * i]},
            ", which is not in the frame");
      c->scanned |= first_coefficients;
      scanned[i] = &*c;
    }

    const std::size_t start = at_;
    skip_entropy_coded_data();
    // A block takes at least a bit for its first coefficient, and in a sequential file another for its end. Progressive
    // scans of further coefficients may run over many blocks with one code.
    const std::int64_t blocks = blocks_of(std::span(scanned).first(scanned_count));
    const std::int64_t least_bits = !progressive_ ? 2 * blocks : first_coefficients ? blocks : 0;
    check(static_cast<std::int64_t>(at_ - start) * 8 >= least_bits, ErrorKind::image, "truncated: a scan of ",
          at_ - start, " bytes cannot hold ", blocks, " blocks of ", width_, " x ", height_, " pixels");
  }

  /// To the marker that ends the scan.
  void skip_entropy_coded_data() {
    for (;;) {
      const int code = next_marker();
      if (code < marker::first_restart || code >= marker::start_of_image) break;
    }
    at_ -= 2;
  }

  static constexpr int max_scans = 100;  // encoders write about ten; each costs a pass over all blocks

  Bytes bytes_;
  DecodeLimits limits_;
  std::size_t at_ = 2;  // behind start-of-image
  std::array<Component, 4> components_{};
  int count_ = 0, width_ = 0, height_ = 0, max_h_ = 1, max_v_ = 1, orientation_ = 1, scans_ = 0;
  bool progressive_ = false;
};

}  // namespace

Frame decode_jpeg(Bytes bytes, const DecodeLimits& limits) {
  const Walk walk(bytes, limits);
  check(walk.end() <= INT_MAX, ErrorKind::image, "has ", walk.end(), " bytes, expected at most ", INT_MAX);

  int width = 0, height = 0, stored_components = 0;
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> pixels(
      stbi_load_from_memory(bytes.data(), static_cast<int>(walk.end()), &width, &height, &stored_components, 3),
      &stbi_image_free);
  if (pixels == nullptr) {
    const char* reason = stbi_failure_reason();  // may be null
    if (reason != nullptr && reason == "outofmem"sv) throw std::bad_alloc();
    fail(ErrorKind::image, "damaged: ", reason != nullptr ? reason : "undecodable");
  }
  check(width == walk.width() && height == walk.height(), ErrorKind::image, "damaged: decoded to ", width, " x ",
        height, " pixels, expected ", walk.width(), " x ", walk.height());

  Frame frame(width, height);
  std::copy_n(pixels.get(), frame.rgb.size(), frame.rgb.begin());
  return upright(std::move(frame), walk.orientation());
}

}  // namespace giemsa
