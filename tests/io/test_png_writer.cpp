#include <sys/resource.h>

#include <csignal>

#include "engine/base/atomic_file.h"
#include "tests/io/support.h"
#include "tools/pictures/png_writer.h"

using namespace giemsa;
using namespace giemsa::test;

namespace fs = std::filesystem;

namespace {

constexpr std::pair<int, int> sizes[] = {{1, 1}, {1, 31}, {33, 1}, {64, 48}, {31, 33}};

std::uint32_t noise(std::size_t i) {
  return static_cast<std::uint32_t>(i + 1) * 2654435761u >> 8;
}

}  // namespace

TEST_CASE("a frame survives writing and reading") {
  for (const auto& [width, height] : sizes) {
    Frame frame(width, height);
    for (std::size_t i = 0; i < frame.rgb.size(); ++i)
      frame.rgb[i] = static_cast<std::uint8_t>(noise(i) % 251 + i / 40);
    CHECK(decode_image(Bytes(encode_png(frame))).rgb == frame.rgb);
  }
}

TEST_CASE("masks and labels survive; 16-bit labels to the level that 8 bits can show") {
  for (const auto& [width, height] : sizes) {
    Mask mask(width, height);
    Labels labels(width, height);
    for (std::size_t i = 0; i < mask.pixels.size(); ++i) {
      mask.pixels[i] = static_cast<std::uint8_t>(noise(i / 5));
      labels.pixels[i] = static_cast<std::uint16_t>(noise(i));
    }
    labels.pixels[0] = 0xffff;  // samples that reach no higher than 8, 10, 12 or 14 bits would be read as such
    const Frame from_mask = decode_image(Bytes(encode_png(mask)));
    const Frame from_labels = decode_image(Bytes(encode_png(labels)));
    int wrong = 0;
    for (std::size_t i = 0; i < mask.pixels.size(); ++i) {
      wrong += from_mask.rgb[3 * i + 1] != mask.pixels[i];
      wrong += from_labels.rgb[3 * i + 1] != static_cast<int>(labels.pixels[i] / 257.0 + 0.5);
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("a label image keeps all 16 bits: an uncompressible row shows them in the file's header and size") {
  Labels labels(300, 1);
  for (std::size_t i = 0; i < 300; ++i) labels.pixels[i] = static_cast<std::uint16_t>(noise(i) * 40503u);
  const Buffer file = encode_png(labels);
  CHECK(file[24] == 16);  // depth
  CHECK(file[25] == 0);   // grey
  CHECK(file.size() > 600);
}

TEST_CASE("files are written whole, into folders that are made, and leave nothing else") {
  const TemporaryFolder folder;
  const fs::path file = folder / "labels/sub/x.png";
  write_png(file, Mask(3, 2));
  CHECK(decode_image(file).width == 3);
  write_file_atomically(file, std::string_view("replaced"));
  const Buffer now = read_bytes(file);
  CHECK(std::string(now.begin(), now.end()) == "replaced");
  CHECK(std::distance(fs::directory_iterator(file.parent_path()), {}) == 1);
}

TEST_CASE("a failed write names the file and the system's reason, and keeps what was there") {
  const TemporaryFolder folder;
  write_text(folder / "file", "x");
  const auto failure = [&](const fs::path& path) {
    return error_of(ErrorKind::output, [&] { write_file_atomically(path, std::string_view("new")); });
  };
  check_mentions(failure(folder / "file/below.txt"), {(folder / "file").string(), "cannot make", "Not a directory"});

  fs::create_directories(folder / "taken/inside");  // a folder where the file should be: the rename fails
  check_mentions(failure(folder / "taken"), {(folder / "taken").string(), "directory"});
  CHECK(fs::exists(folder / "taken/inside"));
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 2);  // nothing else remains
}

TEST_CASE("a file that cannot grow is an error, and what was there stays") {
  const TemporaryFolder folder;
  write_text(folder / "x", "before");
  rlimit usual{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &usual) == 0);
  const rlimit small = {10, usual.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string message = error_of(
      ErrorKind::output, [&] { write_file_atomically(folder / "x", std::string_view("more than ten bytes")); });
  REQUIRE(setrlimit(RLIMIT_FSIZE, &usual) == 0);
  std::signal(SIGXFSZ, handler);
  check_mentions(message, {(folder / "x").string(), "cannot be written", "File too large"});
  CHECK(read_bytes(folder / "x") == Buffer{'b', 'e', 'f', 'o', 'r', 'e'});
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a name as long as names can be is written, with and without sync") {
  const TemporaryFolder folder;
  const std::string longest(255, 'n');
  for (const Sync sync : {Sync::no, Sync::yes}) {
    write_file_atomically(folder / longest, std::string_view("x"), sync);
    CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
  }
  sync_file_system(folder.path());
}
