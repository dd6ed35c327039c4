#include "tools/image_io/jpeg.h"

#include <csetjmp>
#include <cstdio>  // jpeglib.h takes FILE for granted

#include <jpeglib.h>

#include <jerror.h>

#include <cstring>
#include <new>
#include <string_view>
#include <vector>

#include "tools/image_io/exif.h"

namespace giemsa {
namespace {

/// What libjpeg calls back into, and what it said. A warning of libjpeg that means lost or damaged blocks is kept as
/// the reason to refuse the file; the others (stray bytes in the headers, odd versions) harm nothing.
struct Decoder {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf on_error{};
  char error[JMSG_LENGTH_MAX]{};
  bool out_of_memory = false, too_many_scans = false, in_scans = false;
  const char* damage = nullptr;
};

Decoder& decoder_of(j_common_ptr jpeg) {
  return *static_cast<Decoder*>(jpeg->client_data);
}

[[noreturn]] void stop(j_common_ptr jpeg) {
  Decoder& decoder = decoder_of(jpeg);
  decoder.out_of_memory = jpeg->err->msg_code == JERR_OUT_OF_MEMORY;
  jpeg->err->format_message(jpeg, decoder.error);
  std::longjmp(decoder.on_error, 1);
}

void hear_warning(j_common_ptr jpeg, int level) {
  if (level >= 0) return;     // a trace
  constexpr int padding = 8;  // bytes that encoders may leave behind a scan
  Decoder& decoder = decoder_of(jpeg);
  const jpeg_error_mgr& said = *jpeg->err;
  const char* damage = nullptr;
  switch (said.msg_code) {
    case JWRN_HIT_MARKER:
      damage = "truncated: its data end before the last of its pixels";
      break;
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
      damage = "damaged: its data hold codes that do not exist";
      break;
    case JWRN_MUST_RESYNC:
      damage = "damaged: its restart markers are out of order";
      break;
    case JWRN_BOGUS_PROGRESSION:
      damage = "damaged: its scans are out of order";
      break;
    case JWRN_EXTRANEOUS_DATA:
      if (decoder.in_scans && said.msg_parm.i[0] > padding) damage = "damaged: a scan has more data than pixels";
      break;
    default:
      break;
  }
  if (decoder.damage == nullptr) decoder.damage = damage;
}

void count_scans(j_common_ptr jpeg) {
  constexpr int most = 100;  // encoders write about ten; each costs a pass over all blocks
  Decoder& decoder = decoder_of(jpeg);
  if (decoder.jpeg.input_scan_number <= most) return;
  decoder.too_many_scans = true;
  std::longjmp(decoder.on_error, 1);
}

/// Runs one `step` of libjpeg; false where libjpeg stopped. `step` holds nothing that a jump would leave undestroyed.
template <class Step>
bool succeeds(Decoder& decoder, Step step) {
  if (setjmp(decoder.on_error)) return false;
  step();
  return true;
}

[[noreturn]] void fail_as_said(const Decoder& decoder) {
  if (decoder.out_of_memory) throw std::bad_alloc();
  check(!decoder.too_many_scans, ErrorKind::image, "has more than 100 scans");
  fail(ErrorKind::image, "damaged: ", decoder.error);
}

class Jpeg {
 public:
  Jpeg() {
    decoder_.jpeg.err = jpeg_std_error(&decoder_.errors);
    decoder_.errors.error_exit = stop;
    decoder_.errors.emit_message = hear_warning;
    decoder_.progress.progress_monitor = count_scans;
  }
  ~Jpeg() { jpeg_destroy_decompress(&decoder_.jpeg); }
  Jpeg(const Jpeg&) = delete;
  Jpeg& operator=(const Jpeg&) = delete;

  void read_header(Bytes bytes, const DecodeLimits& limits) {
    jpeg_decompress_struct& jpeg = decoder_.jpeg;
    attempt([&] {
      jpeg_create_decompress(&jpeg);
      jpeg.client_data = &decoder_;
      jpeg.progress = &decoder_.progress;
      jpeg_save_markers(&jpeg, JPEG_APP0 + 1, 0xffff);
      jpeg_mem_src(&jpeg, bytes.data(), bytes.size());
      jpeg_read_header(&jpeg, TRUE);
    });
    check_header(bytes, limits);
  }

  /// The first orientation that an Exif segment holds.
  int orientation() const {
    constexpr std::string_view head("Exif\0", 5);  // and a byte of padding
    for (const jpeg_marker_struct* marker = decoder_.jpeg.marker_list; marker; marker = marker->next) {
      const Bytes segment(marker->data, marker->data_length);
      if (segment.size() <= head.size() + 1 || std::memcmp(segment.data(), head.data(), head.size()) != 0) continue;
      if (const auto found = exif_orientation(segment.subspan(head.size() + 1))) return *found;
    }
    return 1;
  }

  Frame decode() {
    jpeg_decompress_struct& jpeg = decoder_.jpeg;
    const bool inks = jpeg.num_components == 4;
    jpeg.out_color_space = inks ? JCS_CMYK : JCS_RGB;
    jpeg.dct_method = JDCT_ISLOW;
    decoder_.in_scans = true;
    attempt([&] { jpeg_start_decompress(&jpeg); });
    check_all_scans();

    Frame frame(static_cast<int>(jpeg.output_width), static_cast<int>(jpeg.output_height));
    std::vector<std::uint8_t> row(inks ? 4 * std::size_t{jpeg.output_width} : 0);
    for (int y = 0; y < frame.height; ++y) {
      JSAMPROW out = inks ? row.data() : frame.at(0, y);
      attempt([&] { jpeg_read_scanlines(&jpeg, &out, 1); });
      check_undamaged();
      if (inks) mix_inks(row, frame.at(0, y));
    }
    attempt([&] { jpeg_finish_decompress(&jpeg); });  // finds what follows the last block
    check_undamaged();
    return frame;
  }

 private:
  template <class Step>
  void attempt(Step step) {
    if (!succeeds(decoder_, step)) fail_as_said(decoder_);
  }

  void check_undamaged() const { check(decoder_.damage == nullptr, ErrorKind::image, decoder_.damage); }

  void check_header(Bytes bytes, const DecodeLimits& limits) const {
    const jpeg_decompress_struct& jpeg = decoder_.jpeg;
    check_extent(jpeg.image_width, jpeg.image_height, limits);
    check(!jpeg.arith_code, ErrorKind::image, "arithmetic coding is not supported");
    const int components = jpeg.num_components;
    check(components == 1 || components == 3 || components == 4, ErrorKind::image, "has ", components,
          " components, expected 1, 3 or 4");
    check(components != 4 || jpeg.saw_Adobe_marker, ErrorKind::image,
          "has four inks (CMYK) and no Adobe segment, which says whether they are inverted: save it as RGB");

    // A block takes at least a bit for its first coefficient, and in a sequential file another for its end.
    std::int64_t blocks = 0;
    for (int i = 0; i < components; ++i)
      blocks += std::int64_t{jpeg.comp_info[i].width_in_blocks} * jpeg.comp_info[i].height_in_blocks;
    check(static_cast<std::int64_t>(bytes.size()) * 8 >= blocks * (jpeg.progressive_mode ? 1 : 2), ErrorKind::image,
          "truncated: its ", bytes.size(), " bytes cannot hold ", blocks, " blocks of ", jpeg.image_width, " x ",
          jpeg.image_height, " pixels");
  }

  /// Files of many scans are read to their end by jpeg_start_decompress; scans that are missing go unnoticed there.
  void check_all_scans() const {
    check_undamaged();
    const jpeg_decompress_struct& jpeg = decoder_.jpeg;
    for (int i = 0; i < jpeg.num_components; ++i) {
      check(jpeg.comp_info[i].quant_table != nullptr, ErrorKind::image, "truncated: no scan of component ", i + 1);
      if (jpeg.coef_bits == nullptr) continue;  // sequential: a scan is all of a component
      for (int k = 0; k < DCTSIZE2; ++k)
        check(jpeg.coef_bits[i][k] == 0, ErrorKind::image, "truncated: its last scans are missing");
    }
  }

  /// Adobe writes inks inverted: 255 is none. The same arithmetic as Pillow's.
  static void mix_inks(const std::vector<std::uint8_t>& row, std::uint8_t* rgb) {
    for (std::size_t i = 0; i < row.size(); i += 4, rgb += 3)
      for (std::size_t c = 0; c < 3; ++c) {
        const int light = row[i + 3], product = (255 - row[i + c]) * light + 128;
        rgb[c] = static_cast<std::uint8_t>(light - ((product + (product >> 8)) >> 8));
      }
  }

  Decoder decoder_;
};

}  // namespace

Frame decode_jpeg(Bytes bytes, const DecodeLimits& limits, DecodeNotes&) {
  Jpeg jpeg;
  jpeg.read_header(bytes, limits);
  const int orientation = jpeg.orientation();
  return upright(jpeg.decode(), orientation);
}

}  // namespace giemsa
