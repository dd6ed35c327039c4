#include <sys/stat.h>

#include "tests/weights/bytes.h"

namespace giemsa {
namespace {

using namespace testing;

TEST_CASE("a mapped file holds the file's bytes for as long as somebody owns them") {
  const TemporaryFolder folder;
  FileBytes file = map_file(folder.file("weights", "some bytes"));
  std::filesystem::remove(folder.path() / "weights");
  const std::shared_ptr<const void> kept = file.owner;
  const ByteView bytes = file.bytes;
  file = {};
  CHECK(text_of(bytes) == "some bytes");
}

TEST_CASE("what cannot be mapped is refused by name") {
  const TemporaryFolder folder;
  const auto refusal = [&](const char* name) { return error_of([&] { map_file(folder.path() / name); }); };
  folder.file("empty", "");
  CHECK(contains(refusal("empty"), "empty: is empty"));
  CHECK(contains(refusal("missing"), "missing: cannot be opened: No such file"));
  std::filesystem::create_directory(folder.path() / "folder");
  CHECK(contains(refusal("folder"), "folder: is not a regular file"));
  REQUIRE(::mkfifo((folder.path() / "pipe").c_str(), 0600) == 0);
  CHECK(contains(refusal("pipe"), "pipe: is not a regular file"));
}

}  // namespace
}  // namespace giemsa
