// TIFF files of every layout, written by libtiff, and read back as the pixels that they were made of.
#ifdef GIEMSA_TIFF
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <memory>

#include "engine/base/split_mix.h"
#include "tests/io/support.h"
#include "tools/image_io/find_images.h"
#include "tools/image_io/tiff.h"

using namespace giemsa;
using namespace giemsa::test;
using giemsa::test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

/// How a page is stored.
struct Layout {
  std::uint16_t bits = 8, samples = 3, photometric = PHOTOMETRIC_RGB, planar = PLANARCONFIG_CONTIG;
  std::uint16_t compression = COMPRESSION_NONE, orientation = ORIENTATION_TOPLEFT;
  bool tiled = false;
  std::string description{};
  std::uint32_t subfile = 0;
  float x_resolution = 0, y_resolution = 0;  // 0: not said
  std::uint16_t resolution_unit = RESUNIT_INCH;
};

constexpr int width = 37, height = 21;

/// Sample `s` of a pixel in 8 bits; 16-bit ones hold 257 times as much.
std::uint8_t sample(int x, int y, int s) {
  return static_cast<std::uint8_t>(x * 5 + y * 11 + s * 73);
}

Frame expected(const Layout& layout) {
  Frame frame(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c) {
        const std::uint8_t value = sample(x, y, layout.samples >= 3 ? c : 0);
        frame.at(x, y)[c] =
            layout.photometric == PHOTOMETRIC_MINISWHITE ? static_cast<std::uint8_t>(255 - value) : value;
      }
  return frame;
}

class Writer {
 public:
  Writer(const fs::path& file, const char* mode) : tiff_(TIFFOpen(file.c_str(), mode), TIFFClose) { REQUIRE(tiff_); }

  TIFF* get() { return tiff_.get(); }

  void set(const Layout& layout) {
    TIFFSetField(get(), TIFFTAG_IMAGEWIDTH, width);
    TIFFSetField(get(), TIFFTAG_IMAGELENGTH, height);
    TIFFSetField(get(), TIFFTAG_BITSPERSAMPLE, layout.bits);
    TIFFSetField(get(), TIFFTAG_SAMPLESPERPIXEL, layout.samples);
    TIFFSetField(get(), TIFFTAG_PHOTOMETRIC, layout.photometric);
    TIFFSetField(get(), TIFFTAG_PLANARCONFIG, layout.planar);
    TIFFSetField(get(), TIFFTAG_COMPRESSION, layout.compression);
    TIFFSetField(get(), TIFFTAG_ORIENTATION, layout.orientation);
    TIFFSetField(get(), TIFFTAG_SUBFILETYPE, layout.subfile);
    if (layout.x_resolution > 0) {
      TIFFSetField(get(), TIFFTAG_XRESOLUTION, layout.x_resolution);
      TIFFSetField(get(), TIFFTAG_YRESOLUTION, layout.y_resolution);
      TIFFSetField(get(), TIFFTAG_RESOLUTIONUNIT, layout.resolution_unit);
    }
    if (!layout.description.empty()) TIFFSetField(get(), TIFFTAG_IMAGEDESCRIPTION, layout.description.c_str());
    if (layout.samples == 2 || layout.samples == 4) {
      const std::uint16_t kind[] = {EXTRASAMPLE_UNASSALPHA};
      TIFFSetField(get(), TIFFTAG_EXTRASAMPLES, 1, kind);
    }
    if (layout.tiled) {
      TIFFSetField(get(), TIFFTAG_TILEWIDTH, 16);
      TIFFSetField(get(), TIFFTAG_TILELENGTH, 16);
    } else {
      TIFFSetField(get(), TIFFTAG_ROWSPERSTRIP, layout.compression == COMPRESSION_JPEG ? 8 : 5);
    }
  }

  void page(const Layout& layout, int first_sample = 0) {
    set(layout);
    const bool planar = layout.planar == PLANARCONFIG_SEPARATE;
    for (int plane = 0; plane < (planar ? layout.samples : 1); ++plane) {
      const int block_w = layout.tiled ? 16 : width, block_h = layout.tiled ? 16 : 1;
      for (int y = 0; y < height; y += block_h)
        for (int x = 0; x < width; x += block_w) {
          std::vector<std::uint8_t> bytes;
          for (int v = y; v < y + block_h; ++v)
            for (int u = x; u < x + block_w; ++u)
              for (int s = plane; s < (planar ? plane + 1 : layout.samples); ++s)
                bytes.insert(bytes.end(), layout.bits / 8, sample(u, v, first_sample + s));  // 257 v: both bytes are v
          if (layout.tiled)
            REQUIRE(TIFFWriteTile(get(), bytes.data(), static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y), 0,
                                  static_cast<std::uint16_t>(plane)) > 0);
          else
            REQUIRE(TIFFWriteScanline(get(), bytes.data(), static_cast<std::uint32_t>(y),
                                      static_cast<std::uint16_t>(plane)) == 1);
        }
    }
    REQUIRE(TIFFWriteDirectory(get()) == 1);
  }

 private:
  std::unique_ptr<TIFF, void (*)(TIFF*)> tiff_;
};

void write(const fs::path& file, const Layout& layout, const char* mode = "w") {
  Writer(file, mode).page(layout);
}

}  // namespace

TEST_CASE("TIFF: samples, planes, blocks, compressions and byte orders") {
  const TemporaryFolder folder;
  const fs::path file = folder / "a.tif";
  int cases = 0;
  for (const std::uint16_t bits : {8, 16})
    for (const auto& [samples, photometric] : {std::pair{1, PHOTOMETRIC_MINISBLACK},
                                               {1, PHOTOMETRIC_MINISWHITE},
                                               {2, PHOTOMETRIC_MINISBLACK},
                                               {3, PHOTOMETRIC_RGB},
                                               {4, PHOTOMETRIC_RGB}})
      for (const std::uint16_t planar : {PLANARCONFIG_CONTIG, PLANARCONFIG_SEPARATE})
        for (const bool tiled : {false, true})
          for (const std::uint16_t compression :
               {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS}) {
            const Layout layout{bits,
                                static_cast<std::uint16_t>(samples),
                                static_cast<std::uint16_t>(photometric),
                                planar,
                                compression,
                                1,
                                tiled,
                                {},
                                0};
            const char* mode = std::array{"wl", "wb", "w8l", "w8b"}[static_cast<std::size_t>(cases++ % 4)];
            CAPTURE(bits);
            CAPTURE(samples);
            CAPTURE(planar);
            CAPTURE(tiled);
            CAPTURE(compression);
            CAPTURE(mode);
            write(file, layout, mode);
            DecodeNotes notes;
            CHECK(decode_image(file, {}, &notes).rgb == expected(layout).rgb);
            CHECK(notes.warning.empty());
            CHECK(decode_image(read_bytes(file)).rgb == expected(layout).rgb);
          }
  CHECK(cases == 160);
}

TEST_CASE("TIFF: the orientation tag turns the picture upright") {
  const TemporaryFolder folder;
  for (std::uint16_t orientation = 1; orientation <= 8; ++orientation) {
    Layout layout;
    layout.orientation = orientation;
    write(folder / "a.tif", layout);
    const Frame turned = decode_image(folder / "a.tif"), straight = expected(layout);
    // Where the stored picture's first row, and its first column, are to be seen: TIFF 6.0, page 36.
    const auto at = [&](int x, int y) {
      const bool right = orientation == 2 || orientation == 3, bottom = orientation == 3 || orientation == 4;
      if (orientation <= 4) return turned.at(right ? width - 1 - x : x, bottom ? height - 1 - y : y);
      const bool row_right = orientation == 6 || orientation == 7, column_bottom = orientation == 7 || orientation == 8;
      return turned.at(row_right ? height - 1 - y : y, column_bottom ? width - 1 - x : x);
    };
    CAPTURE(orientation);
    REQUIRE(turned.width == (orientation <= 4 ? width : height));
    int different = 0;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) different += !std::equal(at(x, y), at(x, y) + 3, straight.at(x, y));
    CHECK(different == 0);
  }
}

TEST_CASE("TIFF: palettes, and samples of one bit") {
  const TemporaryFolder folder;
  {
    Layout layout;
    layout.samples = 1;
    layout.photometric = PHOTOMETRIC_PALETTE;
    Writer writer(folder / "palette.tif", "w");
    std::uint16_t map[3][256];
    for (int i = 0; i < 256; ++i)
      for (int c = 0; c < 3; ++c) map[c][i] = static_cast<std::uint16_t>(257 * ((i * (c + 1)) & 255));
    TIFFSetField(writer.get(), TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(writer.get(), TIFFTAG_COLORMAP, map[0], map[1], map[2]);
    writer.page(layout);
  }
  const Frame palette = decode_image(folder / "palette.tif");
  for (int c = 0; c < 3; ++c) CHECK(palette.at(3, 4)[c] == ((sample(3, 4, 0) * (c + 1)) & 255));

  {
    Writer writer(folder / "bits.tif", "w");
    Layout layout;
    layout.bits = layout.samples = 1;
    layout.photometric = PHOTOMETRIC_MINISWHITE;
    layout.compression = COMPRESSION_CCITTFAX4;
    writer.set(layout);
    for (std::uint32_t y = 0; y < height; ++y) {
      std::uint8_t row[(width + 7) / 8] = {0x80, 0x01, 0, 0, 0};
      REQUIRE(TIFFWriteScanline(writer.get(), row, y, 0) == 1);
    }
  }
  const Frame bits = decode_image(folder / "bits.tif");
  for (const auto& [x, value] : {std::pair{0, 0}, {1, 255}, {14, 255}, {15, 0}, {36, 255}})
    CHECK(bits.at(x, 20)[1] == value);
}

TEST_CASE("TIFF: JPEG inside, and JPEG data that end early") {
  const TemporaryFolder folder;
  const fs::path file = folder / "a.tif";
  for (const std::uint16_t photometric : {PHOTOMETRIC_RGB, PHOTOMETRIC_YCBCR}) {
    CAPTURE(photometric);
    {
      Layout layout;
      layout.photometric = photometric;
      layout.compression = COMPRESSION_JPEG;
      Writer writer(file, "w");
      writer.set(layout);
      TIFFSetField(writer.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      TIFFSetField(writer.get(), TIFFTAG_ROWSPERSTRIP, 32);
      for (std::uint32_t y = 0; y < height; ++y) {
        std::uint8_t row[3 * width];
        for (int x = 0; x < width; ++x) std::fill_n(row + 3 * x, 3, static_cast<std::uint8_t>(60 + 4 * x));
        REQUIRE(TIFFWriteScanline(writer.get(), row, y, 0) == 1);
      }
    }
    const Frame frame = decode_image(file);
    for (const int x : {0, 11, 36}) CHECK(std::abs(frame.at(x, 12)[1] - (60 + 4 * x)) <= 12);
  }
  std::vector<std::uint8_t> bytes = read_bytes(file);
  const std::uint8_t end[] = {0xff, 0xd9};
  const auto marker =
      std::search(bytes.begin(), bytes.end(), end, end + 2);  // the tables, which have one too, come later
  REQUIRE(marker != bytes.end());
  std::copy_n(end, 2, marker - 12);  // the picture ends before its last blocks
  check_mentions(decode_error(bytes), {"TIFF", "damaged"});
}

TEST_CASE("TIFF: every page is an image, but for thumbnails; three pages of an OME-TIFF may be one") {
  const TemporaryFolder folder;
  Layout grey, small;
  grey.samples = 1;
  grey.photometric = PHOTOMETRIC_MINISBLACK;
  small = grey;
  small.subfile = FILETYPE_REDUCEDIMAGE;
  {
    Writer writer(folder / "stack.tif", "w");
    writer.page(grey);
    writer.page(small);
    writer.page(grey, 1);
    writer.page(grey, 2);
  }
  CHECK(count_images(folder / "stack.tif") == 3);
  CHECK(decode_image(folder / "stack.tif", {}, nullptr, 2).at(5, 6)[0] == sample(5, 6, 2));
  check_mentions(error_of(ErrorKind::image, [&] { decode_image(folder / "stack.tif", {}, nullptr, 3); }),
                 {"stack.tif#4", "3 images"});
  const fs::path input = folder.path();
  const auto images = find_images(std::span(&input, 1));
  REQUIRE(images.size() == 3);
  CHECK(images[0].name == "stack#1");
  CHECK(images[2].text() == (folder / "stack.tif#3").string());

  Layout ome = grey;
  ome.description =
      R"(<?xml version="1.0"?><OME><Image><Pixels DimensionOrder="XYCZT" SizeC="3" SizeZ="2"/></Image></OME>)";
  {
    Writer writer(folder / "stack.tif", "w");
    for (int z = 0; z < 2; ++z)
      for (int c = 0; c < 3; ++c) writer.page(z == 0 && c == 0 ? ome : grey, z + c);
  }
  CHECK(count_images(folder / "stack.tif") == 2);
  CHECK(decode_image(folder / "stack.tif").rgb == expected({}).rgb);
  CHECK(decode_image(folder / "stack.tif", {}, nullptr, 1).at(5, 6)[1] == sample(5, 6, 2));
}

TEST_CASE("TIFF: the size of a pixel, as the resolution, ImageJ or OME tell it") {
  const test::TemporaryFolder folder;
  const auto size_of = [&](const Layout& layout) {
    write(folder / "a.tif", layout);
    DecodeNotes notes;
    decode_image(folder / "a.tif", {}, &notes);
    return notes.pixel_size;
  };
  CHECK_FALSE(size_of({}));
  CHECK_FALSE(size_of({.x_resolution = 300, .y_resolution = 300}));  // dots an inch, of a printer
  CHECK_FALSE(size_of({.x_resolution = 4, .y_resolution = 4, .resolution_unit = RESUNIT_NONE}));
  const auto centimetre = size_of({.x_resolution = 40'000, .y_resolution = 20'000, .resolution_unit = RESUNIT_CENTIMETER});
  REQUIRE(centimetre);
  CHECK(centimetre->x == doctest::Approx(0.25));
  CHECK(centimetre->y == doctest::Approx(0.5));
  const auto turned = size_of({.orientation = ORIENTATION_RIGHTTOP,
                               .x_resolution = 40'000,
                               .y_resolution = 20'000,
                               .resolution_unit = RESUNIT_CENTIMETER});
  REQUIRE(turned);
  CHECK(turned->x == doctest::Approx(0.5));
  const auto imagej = size_of({.description = "ImageJ=1.53t\nunit=micron\nmin=0\n",
                               .x_resolution = 8,
                               .y_resolution = 8,
                               .resolution_unit = RESUNIT_NONE});
  REQUIRE(imagej);
  CHECK(imagej->x == doctest::Approx(0.125));
  const std::string ome = "<OME><Image><Pixels PhysicalSizeX=\"65\" PhysicalSizeXUnit=\"nm\" PhysicalSizeY=\"0.066\" SizeC=\"3\">";
  const auto told = size_of({.description = ome, .x_resolution = 40'000, .y_resolution = 40'000});
  REQUIRE(told);
  CHECK(told->x == doctest::Approx(0.065));
  CHECK(told->y == doctest::Approx(0.066));
}

TEST_CASE("TIFF: 12 bits in 16, as the file says or the samples show") {
  const TemporaryFolder folder;
  for (const bool said : {true, false}) {
    {
      Writer writer(folder / "a.tif", "w");
      Layout layout;
      layout.bits = 16;
      layout.samples = 1;
      layout.photometric = PHOTOMETRIC_MINISBLACK;
      if (said) layout.description = R"(<OME><Pixels SizeC="1" SignificantBits="12"></Pixels></OME>)";
      writer.set(layout);
      for (std::uint32_t y = 0; y < height; ++y) {
        std::uint16_t row[width];
        std::fill_n(row, width, static_cast<std::uint16_t>(y == 3 ? 4095 : 0));
        REQUIRE(TIFFWriteScanline(writer.get(), row, y, 0) == 1);
      }
    }
    DecodeNotes notes;
    CHECK(decode_image(folder / "a.tif", {}, &notes).at(0, 3)[0] == 255);
    CHECK(notes.warning.empty() == said);
  }
}

TEST_CASE("TIFF: what is not read is refused with the reason, and a file that claims much costs little") {
  const TemporaryFolder folder;
  const fs::path file = folder / "a.tif";
  const auto refused = [&](auto change) {
    {
      Writer writer(file, "w");
      Layout layout;
      writer.set(layout);
      change(writer.get());
      std::vector<std::uint8_t> row(64 * width);
      TIFFWriteEncodedStrip(writer.get(), 0, row.data(), 8);
    }
    return error_of(ErrorKind::image, [&] { decode_image(file); });
  };
  check_mentions(refused([](TIFF* t) { TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 32); }), {"32 bits"});
  check_mentions(refused([](TIFF* t) { TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_INT); }), {"signed"});
  check_mentions(refused([](TIFF* t) { TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 9); }), {"9 samples"});
  check_mentions(refused([](TIFF* t) { TIFFSetField(t, TIFFTAG_IMAGEWIDTH, 90000); }), {"pixels"});
  check_mentions(refused([](TIFF* t) {
                   TIFFSetField(t, TIFFTAG_IMAGEWIDTH, 9000);
                   TIFFSetField(t, TIFFTAG_IMAGELENGTH, 9000);
                 }),
                 {"truncated"});
}

TEST_CASE("TIFF: cut or changed anywhere, a file gives its pixels or an error") {
  const TemporaryFolder folder;
  for (const std::uint16_t compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE}) {
    Layout layout;
    layout.compression = compression;
    layout.tiled = compression == COMPRESSION_LZW;
    write(folder / "a.tif", layout);
    const std::vector<std::uint8_t> whole = read_bytes(folder / "a.tif");
    int refused = 0;
    for (std::size_t size = 8; size < whole.size(); size += 7) {
      try {
        const Frame frame = decode_image(Bytes(whole).first(size));
        CHECK(frame.rgb == expected(layout).rgb);
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::image);
        ++refused;
      }
    }
    CHECK(refused > 0);
    SplitMix64 random(compression);
    for (int i = 0; i < 400; ++i) {
      std::vector<std::uint8_t> changed = whole;
      for (int k = 0; k < 3; ++k) changed[random.bits() % changed.size()] = static_cast<std::uint8_t>(random.bits());
      try {
        decode_image(changed);
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::image);
      }
    }
  }
}
#endif
