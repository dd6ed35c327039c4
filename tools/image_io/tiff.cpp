#include "tools/image_io/tiff.h"

#include <tiffio.h>

#include <algorithm>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "tools/image_io/deep_samples.h"
#include "tools/image_io/exif.h"

namespace giemsa {
namespace {

constexpr std::size_t most_pages = 10'000;

/// A file in memory, as libtiff's callbacks see it.
struct MemoryFile {
  Bytes bytes;
  std::uint64_t at = 0;
};

MemoryFile& memory_of(thandle_t handle) {
  return *static_cast<MemoryFile*>(handle);
}

tmsize_t read_memory(thandle_t handle, void* to, tmsize_t size) {
  MemoryFile& file = memory_of(handle);
  if (size <= 0 || file.at >= file.bytes.size()) return 0;
  const std::size_t count = std::min<std::size_t>(static_cast<std::size_t>(size), file.bytes.size() - file.at);
  std::memcpy(to, file.bytes.data() + file.at, count);
  file.at += count;
  return static_cast<tmsize_t>(count);
}

toff_t seek_memory(thandle_t handle, toff_t offset, int whence) {
  MemoryFile& file = memory_of(handle);
  file.at = offset + (whence == SEEK_CUR ? file.at : whence == SEEK_END ? file.bytes.size() : 0);
  return file.at;
}

/// What libtiff said, of which the first message explains the failure.
struct Messages {
  std::string name;  // of the file, with which libtiff begins some messages
  std::string error, damage;

  static std::string text_of(const char* format, va_list values) {
    char text[256];
    std::vsnprintf(text, sizeof text, format, values);
    return text;
  }
  static int hear_error(TIFF*, void* user, const char*, const char* format, va_list values) {
    auto& messages = *static_cast<Messages*>(user);
    if (!messages.error.empty()) return 1;
    messages.error = text_of(format, values);
    if (messages.error.starts_with(messages.name + ": ")) messages.error.erase(0, messages.name.size() + 2);
    return 1;
  }
  /// libjpeg fills in what is missing, and warns; other warnings are about tags that do no harm.
  static int hear_warning(TIFF*, void* user, const char* module, const char* format, va_list values) {
    auto& messages = *static_cast<Messages*>(user);
    if (module && std::string_view(module).starts_with("JPEG") && messages.damage.empty())
      messages.damage = text_of(format, values);
    return 1;
  }

  [[noreturn]] void fail_as_said() const {
    fail(ErrorKind::image, "damaged: ", error.empty() ? "no reason given" : error);
  }
};

struct Closer {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using Tiff = std::unique_ptr<TIFF, Closer>;

/// One page's header.
struct Page {
  std::uint32_t width = 0, height = 0;
  std::uint16_t bits = 1, samples = 1, photometric = PHOTOMETRIC_MINISBLACK, planar = PLANARCONFIG_CONTIG;
  std::uint16_t format = SAMPLEFORMAT_UINT, compression = COMPRESSION_NONE, orientation = ORIENTATION_TOPLEFT;
  int significant_bits = 0;  // of a 16-bit sample; 0: the file does not say
};

Page page_of(TIFF* tiff) {
  Page page;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &page.width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &page.height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &page.bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &page.samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &page.planar);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &page.format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &page.compression);
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &page.photometric);
  std::uint16_t orientation = 0, largest = 0;
  if (TIFFGetField(tiff, TIFFTAG_ORIENTATION, &orientation) && orientation >= 1 && orientation <= 8)
    page.orientation = orientation;
  if (TIFFGetField(tiff, TIFFTAG_MAXSAMPLEVALUE, &largest) && largest > 255 && largest < 65535)
    while (largest >> page.significant_bits) ++page.significant_bits;
  return page;
}

bool is_image(TIFF* tiff) {
  std::uint32_t kind = 0;
  TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &kind);
  return (kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0;
}

/// The value of an attribute of OME-XML's first <Pixels>; empty where it is not there.
std::string_view ome_attribute(std::string_view xml, std::string_view name) {
  const std::size_t pixels = xml.find("<Pixels");
  if (pixels == xml.npos) return {};
  const std::string_view element = xml.substr(pixels, xml.find('>', pixels) - pixels);
  for (std::size_t at = element.find(name); at != element.npos; at = element.find(name, at + 1)) {
    if (element[at - 1] != ' ' && element[at - 1] != '\n' && element[at - 1] != '\t')
      continue;  // the end of a longer name
    const std::string_view rest = element.substr(at + name.size());
    if (!rest.starts_with("=\"")) continue;
    return rest.substr(2, rest.find('"', 2) - 2);
  }
  return {};
}

int ome_number(std::string_view xml, std::string_view name) {
  const std::string_view text = ome_attribute(xml, name);
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// PhysicalSizeX or PhysicalSizeY in micrometres; 0 where it is not there.
double ome_length(std::string_view xml, const std::string& name) {
  const std::string_view text = ome_attribute(xml, name), unit = ome_attribute(xml, name + "Unit");
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value * (unit.empty() ? 1 : micrometres_in(unit));
}

std::optional<PixelSize> ome_size(std::string_view xml) {
  return plausible_pixel_size(ome_length(xml, "PhysicalSizeX"), ome_length(xml, "PhysicalSizeY"));
}

/// A page's samples, of which at most the first three are kept: the others are alpha.
template <class Sample>
class PageReader {
 public:
  PageReader(TIFF* tiff, const Page& page, const Messages& messages)
      : tiff_(tiff), page_(page), messages_(messages), channels_(page.samples >= 3 ? 3 : 1) {}

  /// Writes a page of three channels to those of `image`, a grey one to the channels `first` to `last`.
  template <class Image>
  void read(Image& image, int first, int last) {
    const bool planar = page_.planar == PLANARCONFIG_SEPARATE && page_.samples > 1;
    for (int plane = 0; plane < (planar ? channels_ : 1); ++plane)
      if (TIFFIsTiled(tiff_))
        read_tiles(image, plane, planar, first, last);
      else
        read_strips(image, plane, planar, first, last);
  }

 private:
  template <class Image>
  void read_strips(Image& image, int plane, bool planar, int first, int last) {
    std::uint32_t rows = page_.height;
    TIFFGetFieldDefaulted(tiff_, TIFFTAG_ROWSPERSTRIP, &rows);
    rows = std::clamp<std::uint32_t>(rows, 1, page_.height);
    buffer_.resize(static_cast<std::size_t>(TIFFStripSize(tiff_)));
    for (std::uint32_t y = 0; y < page_.height; y += rows) {
      const std::uint32_t strip = TIFFComputeStrip(tiff_, y, static_cast<std::uint16_t>(plane));
      const std::uint32_t here = std::min(rows, page_.height - y);
      const tmsize_t expected = TIFFVStripSize(tiff_, here);
      const tmsize_t got = TIFFReadEncodedStrip(tiff_, strip, buffer_.data(), expected);
      if (got != expected) messages_.fail_as_said();
      copy(image, 0, y, page_.width, here, page_.width, plane, planar, first, last);
    }
  }

  template <class Image>
  void read_tiles(Image& image, int plane, bool planar, int first, int last) {
    std::uint32_t width = 0, height = 0;
    TIFFGetField(tiff_, TIFFTAG_TILEWIDTH, &width);
    TIFFGetField(tiff_, TIFFTAG_TILELENGTH, &height);
    check(width > 0 && height > 0, ErrorKind::image, "damaged: tiles of ", width, " x ", height, " pixels");
    buffer_.resize(static_cast<std::size_t>(TIFFTileSize(tiff_)));
    for (std::uint32_t y = 0; y < page_.height; y += height)
      for (std::uint32_t x = 0; x < page_.width; x += width) {
        const auto size = static_cast<tmsize_t>(buffer_.size());
        if (TIFFReadTile(tiff_, buffer_.data(), x, y, 0, static_cast<std::uint16_t>(plane)) != size)
          messages_.fail_as_said();
        copy(image, x, y, std::min(width, page_.width - x), std::min(height, page_.height - y), width, plane, planar,
             first, last);
      }
  }

  /// Of the block in the buffer, whose rows hold `stride` pixels, what lies within the page.
  template <class Image>
  void copy(Image& image, std::uint32_t x0, std::uint32_t y0, std::uint32_t w, std::uint32_t h, std::uint32_t stride,
            int plane, bool planar, int first, int last) {
    const std::size_t step = planar ? 1 : page_.samples;  // samples a pixel
    check(buffer_.size() >= (std::size_t{stride} * (h - 1) + w) * step * sizeof(Sample), ErrorKind::image,
          "damaged: a block is smaller than its pixels");
    const auto* samples = reinterpret_cast<const Sample*>(buffer_.data());
    for (std::uint32_t y = 0; y < h; ++y)
      for (std::uint32_t x = 0; x < w; ++x) {
        const Sample* from = samples + (std::size_t{stride} * y + x) * step;
        auto* to = image.at(static_cast<int>(x0 + x), static_cast<int>(y0 + y));
        if (channels_ == 1)
          std::fill(to + first, to + last + 1, *from);
        else if (planar)
          to[plane] = *from;
        else
          std::copy_n(from, 3, to);
      }
  }

  TIFF* tiff_;
  const Page& page_;
  const Messages& messages_;
  int channels_;
  std::vector<unsigned char> buffer_;
};

}  // namespace

struct TiffFile::State {
  State(DecodeLimits limits_, Bytes bytes) : limits(limits_), memory{bytes} {}

  struct Options {
    TIFFOpenOptions* value = TIFFOpenOptionsAlloc();
    ~Options() { TIFFOpenOptionsFree(value); }
  };

  void open(const std::filesystem::path* path) {
    messages.name = path ? path->string() : "memory";
    Options options;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options.value, limits.max_pixels * 8 + (1 << 26));
    TIFFOpenOptionsSetErrorHandlerExtR(options.value, Messages::hear_error, &messages);
    TIFFOpenOptionsSetWarningHandlerExtR(options.value, Messages::hear_warning, &messages);
    if (path)
      tiff.reset(TIFFOpenExt(path->c_str(), "rm", options.value));  // m: a file that shrinks meanwhile kills nobody
    else
      tiff.reset(TIFFClientOpenExt(
          messages.name.c_str(), "rm", &memory, read_memory, [](thandle_t, void*, tmsize_t) { return tmsize_t{-1}; },
          seek_memory, [](thandle_t) { return 0; }, [](thandle_t h) { return toff_t{memory_of(h).bytes.size()}; },
          [](thandle_t, void**, toff_t*) { return 0; }, [](thandle_t, void*, toff_t) {}, options.value));
    if (!tiff) messages.fail_as_said();
    list_images();
  }

  void list_images() {
    do {
      check(pages.size() < most_pages, ErrorKind::image, "has more than ", most_pages, " pages");
      if (pages.empty() || is_image(tiff.get())) pages.push_back(TIFFCurrentDirOffset(tiff.get()));
    } while (TIFFReadDirectory(tiff.get()));
    if (!messages.error.empty()) messages.fail_as_said();
    go_to(0);
    const char* description = nullptr;
    if (!TIFFGetField(tiff.get(), TIFFTAG_IMAGEDESCRIPTION, &description) || !description) return;
    const std::string_view xml = description;
    if (xml.find("<OME") == xml.npos) {
      imagej_unit_um = imagej_unit(xml);
      return;
    }
    ome_pixel_size = ome_size(xml);
    ome_bits = ome_number(xml, "SignificantBits");
    if (ome_number(xml, "SizeC") != 3 || page_of(tiff.get()).samples != 1 || pages.size() % 3 != 0) return;
    const std::string_view order = ome_attribute(xml, "DimensionOrder");
    check(order.starts_with("XYC") || pages.size() == 3, ErrorKind::image, "its channels are pages in the order ",
          order, ": expected XYCZT or XYCTZ");
    pages_an_image = 3;
  }

  void go_to(std::size_t page) {
    if (!TIFFSetSubDirectory(tiff.get(), pages[page])) messages.fail_as_said();
  }

  Page check_page() const {
    const Page page = page_of(tiff.get());
    check_extent(page.width, page.height, limits);
    check(page.samples >= 1 && page.samples <= 5, ErrorKind::image, "has ", page.samples,
          " samples a pixel: expected 1 to 5");
    check(page.bits <= 8 || page.bits == 16, ErrorKind::image, "has samples of ", page.bits,
          " bits: expected 1 to 8 or 16");
    check(page.format == SAMPLEFORMAT_UINT || page.format == SAMPLEFORMAT_VOID, ErrorKind::image,
          "has samples that are signed or floating-point: expected unsigned integers");
    // No compression reaches this; a file that claims more is not worth the memory.
    constexpr std::uint64_t most_bytes_of_one = 4000;
    const std::uint64_t bytes = std::uint64_t{page.width} * page.height * page.samples * page.bits / 8;
    const std::uint64_t held = TIFFGetSizeProc(tiff.get())(TIFFClientdata(tiff.get()));
    check(bytes / most_bytes_of_one <= held, ErrorKind::image, "truncated: ", page.width, " x ", page.height,
          " pixels cannot be in ", held, " bytes");
    check(TIFFIsCODECConfigured(page.compression), ErrorKind::image, "its compression, number ", page.compression,
          ", is none that libtiff reads here");
    return page;
  }

  /// Whether PageReader reads it. What it does not, libtiff turns into RGBA.
  static bool is_plain(const Page& page) {
    const bool grey = page.photometric == PHOTOMETRIC_MINISBLACK || page.photometric == PHOTOMETRIC_MINISWHITE;
    const bool rgb = page.photometric == PHOTOMETRIC_RGB && page.samples >= 3;
    return (page.bits == 8 || page.bits == 16) && ((grey && page.samples <= 2) || rgb);
  }

  template <class Image, class Sample>
  Image read_plain(std::size_t first_page) {
    std::optional<Image> image;
    for (int part = 0; part < pages_an_image; ++part) {
      if (part > 0) go_to(first_page + static_cast<std::size_t>(part));
      const Page page = check_page();
      if (!image) image.emplace(static_cast<int>(page.width), static_cast<int>(page.height));
      check(is_plain(page) && page.bits == 8 * sizeof(Sample) && static_cast<int>(page.width) == image->width &&
                static_cast<int>(page.height) == image->height && (pages_an_image == 1 || page.samples == 1),
            ErrorKind::image, "its channels are pages of different kinds");
      const bool separate = pages_an_image > 1;
      PageReader<Sample>(tiff.get(), page, messages).read(*image, separate ? part : 0, separate ? part : 2);
    }
    return std::move(*image);
  }

  Frame read_as_rgba(const Page& page) {
    char why[1024] = "";
    check(TIFFRGBAImageOK(tiff.get(), why), ErrorKind::image, "not readable: ", why);
    Frame frame(static_cast<int>(page.width), static_cast<int>(page.height));
    std::vector<std::uint32_t> raster(std::size_t{page.width} * page.height);
    // Told that the file's first row is the top one, libtiff turns nothing: that is done below, for every kind of page.
    TIFFSetField(tiff.get(), TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    constexpr int stop_on_error = 1;
    if (!TIFFReadRGBAImageOriented(tiff.get(), page.width, page.height, raster.data(), ORIENTATION_TOPLEFT,
                                   stop_on_error))
      messages.fail_as_said();
    for (std::size_t i = 0; i < raster.size(); ++i) {
      frame.rgb[3 * i] = static_cast<std::uint8_t>(TIFFGetR(raster[i]));
      frame.rgb[3 * i + 1] = static_cast<std::uint8_t>(TIFFGetG(raster[i]));
      frame.rgb[3 * i + 2] = static_cast<std::uint8_t>(TIFFGetB(raster[i]));
    }
    return frame;
  }

  /// Of the current page; OME's, else ImageJ's, else what the resolution tags say.
  std::optional<PixelSize> pixel_size() const {
    if (ome_pixel_size) return ome_pixel_size;
    float x = 0, y = 0;
    std::uint16_t unit = RESUNIT_INCH;
    if (!TIFFGetField(tiff.get(), TIFFTAG_XRESOLUTION, &x) || !TIFFGetField(tiff.get(), TIFFTAG_YRESOLUTION, &y)) return {};
    TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_RESOLUTIONUNIT, &unit);
    const double micrometres = imagej_unit_um > 0          ? imagej_unit_um
                               : unit == RESUNIT_INCH       ? micrometres_in("inch")
                               : unit == RESUNIT_CENTIMETER ? micrometres_in("cm")
                                                            : 0;
    return plausible_pixel_size(micrometres / double{x}, micrometres / double{y});
  }

  Frame read(std::size_t index, DecodeNotes& notes) {
    messages.error.clear();
    messages.damage.clear();
    const std::size_t first_page = index * static_cast<std::size_t>(pages_an_image);
    go_to(first_page);
    const Page page = check_page();
    notes.pixel_size = pixel_size();
    if (notes.pixel_size && is_transposed(page.orientation)) std::swap(notes.pixel_size->x, notes.pixel_size->y);
    Frame frame;
    if (!is_plain(page)) {
      frame = read_as_rgba(page);
    } else if (page.bits == 8) {
      frame = read_plain<Frame, std::uint8_t>(first_page);
    } else {
      const int bits = ome_bits > 8 && ome_bits < 16 ? ome_bits : page.significant_bits;
      frame = to_eight_bits(read_plain<DeepFrame, std::uint16_t>(first_page), bits, notes);
    }
    check(messages.damage.empty(), ErrorKind::image, "damaged: ", messages.damage);
    if (is_plain(page) && page.photometric == PHOTOMETRIC_MINISWHITE)
      for (std::uint8_t& value : frame.rgb) value = static_cast<std::uint8_t>(255 - value);
    return upright(std::move(frame), page.orientation);
  }

  DecodeLimits limits;
  MemoryFile memory;
  Messages messages;
  Tiff tiff;
  std::vector<std::uint64_t> pages;  // offsets of their directories
  int pages_an_image = 1, ome_bits = 0;
  std::optional<PixelSize> ome_pixel_size;
  double imagej_unit_um = 0;
};

TiffFile::TiffFile(const std::filesystem::path& path, const DecodeLimits& limits)
    : state_(std::make_unique<State>(limits, Bytes{})) {
  state_->open(&path);
}

TiffFile::TiffFile(Bytes bytes, const DecodeLimits& limits) : state_(std::make_unique<State>(limits, bytes)) {
  state_->open(nullptr);
}

TiffFile::~TiffFile() = default;
TiffFile::TiffFile(TiffFile&&) noexcept = default;

int TiffFile::images() const {
  return static_cast<int>(state_->pages.size()) / state_->pages_an_image;
}

Frame TiffFile::read(int index, DecodeNotes& notes) {
  check(index >= 0 && index < images(), ErrorKind::image, "has ", images(), " images, no number ", index + 1);
  return state_->read(static_cast<std::size_t>(index), notes);
}

}  // namespace giemsa
