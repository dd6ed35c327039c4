#include "tests/io/support.h"
#include "tools/image_io/find_images.h"

using namespace giemsa;
using namespace giemsa::test;

namespace fs = std::filesystem;

namespace {

/// "name" of each entry, or "name!" where it is an error.
std::vector<std::string> names(const std::vector<fs::path>& inputs) {
  std::vector<std::string> out;
  for (const ImageFile& image : find_images(inputs)) out.push_back(image.name + (image.error.empty() ? "" : "!"));
  return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a folder is searched recursively, in sorted order, for image extensions in any case") {
  const TempFolder folder;
  for (const char* file :
       {"b.png", "a.JPG", "sub/c.jpeg", "sub/deep/d.Bmp", "notes.txt", ".hidden.png", ".cache/e.png", "noext"})
    write_text(folder / file, "x");
  fs::create_directory(folder / "folder.png");
  CHECK(names({folder.path()}) == Names{"a", "b", "sub/c", "sub/deep/d"});
  CHECK(names({folder / "sub/"}) == Names{"c", "deep/d"});
}

TEST_CASE("names stay unique: the extension stays where they would clash") {
  const TempFolder folder;
  for (const char* file : {"x.png", "x.jpg", "y.png", "x.png.png"}) write_text(folder / file, "x");
  CHECK(names({folder.path()}) == Names{"x.jpg", "x.png", "x.png.png", "y"});
}

TEST_CASE("several inputs are named from the folder that they share") {
  const TempFolder folder;
  for (const char* file : {"a/1.png", "b/1.png", "b/2.png"}) write_text(folder / file, "x");
  CHECK(names({folder / "a", folder / "b"}) == Names{"a/1", "b/1", "b/2"});
  CHECK(names({folder / "b/1.png", folder / "a/1.png"}) == Names{"a/1", "b/1"});
  CHECK(names({folder / "b/1.png", folder / "b/2.png"}) == Names{"1", "2"});
  CHECK(names({folder / "b", folder / "b/2.png", folder / "b/../b/1.png"}) == Names{"1", "2"});
}

TEST_CASE("an explicitly named file is taken whatever its name") {
  const TempFolder folder;
  write_text(folder / ".hidden.dat", "x");
  CHECK(names({folder / ".hidden.dat"}) == Names{".hidden"});
}

TEST_CASE("inputs that cannot be used are entries with an error, and the others stay") {
  const TempFolder folder;
  write_text(folder / "a.png", "x");
  fs::create_directory(folder / "empty");
  const auto images = find_images(std::vector<fs::path>{folder / "missing.png", folder / "a.png", folder / "empty"});
  REQUIRE(images.size() == 3);
  CHECK(images[0].error.empty());
  check_mentions(images[1].error, {"holds no"});
  check_mentions(images[2].error, {"no such file"});
  CHECK(find_images({}).empty());
}

TEST_CASE(
    "symbolic links: files are taken, folders below an input are not followed, dangling ones are reported later") {
  const TempFolder folder;
  write_text(folder / "real/a.png", "x");
  fs::create_directory_symlink(folder.path(), folder / "real/cycle");
  fs::create_symlink(folder / "real/a.png", folder / "real/b.png");
  fs::create_directory_symlink(folder / "real", folder / "link");
  CHECK(names({folder / "real"}) == Names{"a", "b"});
  CHECK(names({folder / "link"}) == Names{"a", "b"});
}
