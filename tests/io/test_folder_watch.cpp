// Which files a watch takes, and when.
#include <doctest/doctest.h>

#include <chrono>

#include "tests/engine/error_text.h"
#include "tests/temporary_folder.h"
#include "tools/image_io/folder_watch.h"

using namespace giemsa;
using giemsa::test::TemporaryFolder;

namespace {

namespace fs = std::filesystem;

std::vector<std::string> names(const std::vector<ImageFile>& images) {
  std::vector<std::string> result;
  for (const ImageFile& image : images) result.push_back(image.name);
  return result;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a watch takes a file when it has stopped growing, and once") {
  const TemporaryFolder folder;
  FolderWatch watch({folder / "."}, {});
  CHECK(watch.look().empty());
  folder.file("b.png", "half");
  CHECK(watch.look().empty());  // it has just come
  folder.file("b.png", "half, and the rest");
  folder.file("a/1.jpg", "x");
  folder.file("notes.txt", "x");
  CHECK(watch.look().empty());  // it has grown
  CHECK(names(watch.look()) == Names{"a/1", "b"});
  CHECK(watch.look().empty());
  fs::remove(folder / "b.png");
  CHECK(watch.look().empty());
}

TEST_CASE("a file that changes is taken again, under its name") {
  const TemporaryFolder folder;
  folder.file("latest.png", "x");
  FolderWatch watch({folder / "."}, {});
  watch.look();
  CHECK(names(watch.look()) == Names{"latest"});
  fs::last_write_time(folder / "latest.png", fs::last_write_time(folder / "latest.png") + std::chrono::seconds(1));
  CHECK(watch.look().empty());
  CHECK(names(watch.look()) == Names{"latest"});
}

TEST_CASE("a name that was given stays its owner's") {
  const TemporaryFolder folder;
  folder.file("x.png", "1");
  FolderWatch watch({folder / "."}, {});
  watch.look();
  CHECK(names(watch.look()) == Names{"x"});
  folder.file("x.jpg", "2");
  watch.look();
  CHECK(names(watch.look()) == Names{"x.jpg"});
  folder.file("x.png", "changed");
  watch.look();
  CHECK(names(watch.look()) == Names{"x"});
}

TEST_CASE("only folders can be watched") {
  const TemporaryFolder folder;
  folder.file("x.png", "1");
  CHECK(test::error_of(ErrorKind::usage, [&] { FolderWatch({folder / "x.png"}, {}); })
            .ends_with("x.png: no folder, so nothing to watch"));
}
