// What holds for every format: errors that name the file, agreement with Pillow, and safety on damaged bytes.
#include <cstdlib>

#include "tests/io/support.h"

using namespace giemsa;
using namespace giemsa::test;

namespace {

const std::vector<std::string> decoded_by_pillow = {"444.jpg",     "422.jpg",  "420.jpg",    "progressive.jpg",
                                                    "grey.jpg",    "cmyk.jpg", "rgb.png",    "rgba.png",
                                                    "palette.png", "grey.png", "bilevel.png"};

std::string file_error(const std::filesystem::path& file) {
  const std::string message = error_of(ErrorKind::image, [&] { decode_image(file); });
  check_mentions(message, {file.string()});
  return message;
}

}  // namespace

TEST_CASE("decoded pictures agree with Pillow's") {
  for (const std::string& name : decoded_by_pillow) {
    CAPTURE(name);
    const Frame frame = decode_image(fixture(name));
    const Buffer expected = read_bytes(fixture(name + ".rgb"));
    REQUIRE(frame.width == 28);
    REQUIRE(frame.height == 19);
    REQUIRE(frame.rgb.size() == expected.size());
    int largest = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) largest = std::max(largest, std::abs(frame.rgb[i] - expected[i]));
    CHECK(largest == 0);
  }
}

TEST_CASE("unusable files are refused by name and reason") {
  const TemporaryFolder folder;
  write_text(folder / "empty.png", "");
  write_text(folder / "text.png", "This is not a picture.\n");
  write_text(folder / "scan.jpg", std::string("II*\0\x08\0\0\0", 8));
  write_text(folder / "one_byte.bmp", "B");

  check_mentions(file_error(folder / "empty.png"), {"empty", "0 bytes"});
  check_mentions(file_error(folder / "text.png"), {"not an image", "PNG, JPEG, BMP or TIFF"});
  check_mentions(file_error(folder / "scan.jpg"), {"TIFF"});
  check_mentions(file_error(folder / "one_byte.bmp"), {"not an image"});
  check_mentions(file_error(folder / "missing.png"), {"does not exist"});
  check_mentions(file_error(folder.path()), {"is a folder"});
  check_mentions(file_error("/dev/null"), {"not a regular file"});
}

TEST_CASE("a format is told by content, not by name") {
  const TemporaryFolder folder;
  std::filesystem::copy_file(fixture("rgb.png"), folder / "misnamed.jpg");
  CHECK(decode_image(folder / "misnamed.jpg").rgb == decode_image(fixture("rgb.png")).rgb);
}

TEST_CASE("images over the pixel limit are refused from the header") {
  for (const char* name : {"rgb.png", "444.jpg"}) {
    const Buffer bytes = read_bytes(fixture(name));
    CHECK(decode_error(bytes, {.max_pixels = 28 * 19}).empty());
    check_mentions(decode_error(bytes, {.max_pixels = 28 * 19 - 1}), {"28 x 19 = 532", "at most 531"});
  }
}

TEST_CASE("a file too large for any image within the limits is refused unread") {
  const TemporaryFolder folder;
  std::filesystem::copy_file(fixture("rgb.png"), folder / "long.png");
  std::filesystem::resize_file(folder / "long.png", std::uintmax_t{1} << 40);  // sparse
  check_mentions(file_error(folder / "long.png"), {"1099511627776 bytes"});
}

TEST_CASE("a file cut anywhere is refused, or lacks nothing that is seen") {
  for (const std::string& name : decoded_by_pillow) {
    const Buffer bytes = read_bytes(fixture(name));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CAPTURE(name);
      CAPTURE(size);
      const Buffer cut(bytes.begin(),
                       bytes.begin() + static_cast<std::ptrdiff_t>(size));  // its own block: ASan sees its end
      if (name.ends_with(".jpg") && size + 4 > bytes.size() && decode_error(cut).empty())
        CHECK(decode_image(Bytes(cut)).rgb == decode_image(Bytes(bytes)).rgb);  // it lacks its end-of-image marker only
      else
        CHECK(!decode_error(cut).empty());
    }
  }
}

TEST_CASE("a file with damaged bytes decodes or is refused, twice alike") {
  for (const std::string& name : decoded_by_pillow) {
    const Buffer bytes = read_bytes(fixture(name));
    for (std::size_t at = 0; at < bytes.size(); ++at)
      for (const int flip : {0x01, 0x80, 0xff}) {
        CAPTURE(name);
        CAPTURE(at);
        CAPTURE(flip);
        Buffer damaged = bytes;
        damaged[at] ^= static_cast<std::uint8_t>(flip);
        const auto outcome = [&]() -> std::pair<std::string, Buffer> {
          Frame frame;
          std::string error =
              error_if_any(ErrorKind::image, [&] { frame = decode_image(Bytes(damaged), {.max_pixels = 1 << 20}); });
          return {std::move(error), std::move(frame.rgb)};
        };
        CHECK(outcome() == outcome());
      }
  }
}
