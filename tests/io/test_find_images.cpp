#include <algorithm>
#include <map>
#include <set>

#include "tests/io/support.h"
#include "tools/image_io/find_images.h"
#include "tools/text/text.h"

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
  const TemporaryFolder folder;
  for (const char* file :
       {"b.png", "a.JPG", "sub/c.jpeg", "sub/deep/d.Bmp", "notes.txt", ".hidden.png", ".cache/e.png", "noext"})
    write_text(folder / file, "x");
  fs::create_directory(folder / "folder.png");
  CHECK(names({folder.path()}) == Names{"a", "b", "sub/c", "sub/deep/d"});
  CHECK(names({folder / "sub/"}) == Names{"c", "deep/d"});
}

TEST_CASE("names stay unique: the extension stays where they would clash") {
  const TemporaryFolder folder;
  for (const char* file : {"x.png", "x.jpg", "y.png", "x.png.png"}) write_text(folder / file, "x");
  CHECK(names({folder.path()}) == Names{"x.jpg", "x.png", "x.png.png", "y"});
}

TEST_CASE("several inputs are named from the folder that they share") {
  const TemporaryFolder folder;
  for (const char* file : {"a/1.png", "b/1.png", "b/2.png"}) write_text(folder / file, "x");
  CHECK(names({folder / "a", folder / "b"}) == Names{"a/1", "b/1", "b/2"});
  CHECK(names({folder / "b/1.png", folder / "a/1.png"}) == Names{"a/1", "b/1"});
  CHECK(names({folder / "b/1.png", folder / "b/2.png"}) == Names{"1", "2"});
  CHECK(names({folder / "b", folder / "b/2.png", folder / "b/../b/1.png"}) == Names{"1", "2"});
}

TEST_CASE("an explicitly named file is taken whatever its name") {
  const TemporaryFolder folder;
  write_text(folder / ".hidden.dat", "x");
  CHECK(names({folder / ".hidden.dat"}) == Names{".hidden"});
}

TEST_CASE("inputs that cannot be used are entries with an error, and the others stay") {
  const TemporaryFolder folder;
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
  const TemporaryFolder folder;
  write_text(folder / "real/a.png", "x");
  fs::create_directory_symlink(folder.path(), folder / "real/cycle");
  fs::create_symlink(folder / "real/a.png", folder / "real/b.png");
  fs::create_directory_symlink(folder / "real", folder / "link");
  CHECK(names({folder / "real"}) == Names{"a", "b"});
  CHECK(names({folder / "link"}) == Names{"a", "b"});
}

TEST_CASE("what folders hold and is not taken is counted and named") {
  const TemporaryFolder folder;
  for (const char* file : {"a.png", "b.WebP", "c.webp", "sub/d.txt", "sub/noext", ".hidden.webp"})
    write_text(folder / file, "x");
  write_text(folder / "out/labels/a.png", "x");
  write_text(folder / "out/results.json", "x");
  write_text(folder / "out/own.png", "x");
  fs::create_directory_symlink(folder / "sub", folder / "link");
  const auto results_in = [&](const fs::path& place) {
    return place == folder / "out" ? std::set<std::string>{"labels/a.png", "results.json"} : std::set<std::string>{};
  };
  LeftOut left_out;
  std::vector<std::string> found;
  for (const ImageFile& image : find_images(std::vector<fs::path>{folder.path()}, results_in, &left_out))
    found.push_back(image.name);
  CHECK(found == Names{"a", "out/own"});
  CHECK(left_out.types == std::map<std::string, std::size_t>{{".webp", 2}, {".txt", 1}, {"", 1}});
  CHECK(left_out.results == 1);
  check_mentions(left_out.to_string(),
                 {"4 files of other types", "2 .webp", "1 .txt", "1 without an extension", "1 picture of",
                  (folder / "out").string(), "1 linked folder", (folder / "link").string()});
  CHECK(LeftOut{}.to_string().empty());
}

TEST_CASE("names are UTF-8 and differ where files do") {
  const TemporaryFolder folder;
  for (const char* file : {"na\xefve.png", "na\xe8ve.png", "na\\xefve.png", "n\xc3\xa9.png"})
    write_text(folder / file, "x");
  const auto found = names({folder.path()});
  CHECK(std::set<std::string>(found.begin(), found.end()).size() == 4);
  for (const std::string& name : found) CHECK(as_utf8(name) == name);
  CHECK(std::ranges::count(found, "na\\xe8ve") == 1);
  CHECK(std::ranges::count(found, "n\xc3\xa9") == 1);
}

TEST_CASE("names that leave no room for an ending are cut, and still differ") {
  const TemporaryFolder folder;
  const std::string a(246, 'm'), b = std::string(245, 'm') + "n", wide = [] {
    std::string text;
    for (int i = 0; i < 83; ++i) text += "\xe2\x82\xac";
    return text;
  }();
  for (const std::string& name : {a, b, wide, a + "/x"}) write_text(folder / (name + ".png"), "x");
  const auto found = names({folder.path()});
  CHECK(std::set<std::string>(found.begin(), found.end()).size() == 4);
  for (const std::string& name : found) {
    CHECK(as_utf8(name) == name);
    for (const fs::path& part : fs::path(name)) CHECK(part.string().size() <= 240);
  }
  CHECK(names({folder.path()}) == found);
}

TEST_CASE("no image's output lies where another's folder must be") {
  const TemporaryFolder folder;
  for (const char* file : {"x.jpg", "x.png/b.png", "y.jpg", "y.geojson/b.png"}) write_text(folder / file, "x");
  CHECK(names({folder.path()}) == Names{"x.jpg", "x.png/b", "y.geojson/b", "y.jpg"});
}
