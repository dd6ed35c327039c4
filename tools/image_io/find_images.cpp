#include "tools/image_io/find_images.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string_view>
#include <system_error>

namespace giemsa {
namespace {

namespace fs = std::filesystem;

bool has_image_extension(const fs::path& file) {
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  constexpr std::array<std::string_view, 4> known = {".png", ".jpg", ".jpeg", ".bmp"};
  return std::find(known.begin(), known.end(), extension) != known.end();
}

/// Appends the folder's images, and an error for each part of it that cannot be listed.
void collect(const fs::path& folder, std::vector<ImageFile>& found) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().native().starts_with('.')) continue;
    std::error_code ignored;  // what vanished meanwhile, or is a dangling link, is neither
    if (entry->is_directory(ignored) && !entry->is_symlink(ignored))
      collect(entry->path(), found);
    else if (has_image_extension(entry->path()) && !entry->is_directory(ignored))
      found.push_back({entry->path(), {}, {}});
  }
  if (error) found.push_back({folder, {}, "folder cannot be listed: " + error.message()});
}

fs::path full_path(const fs::path& path) {
  const fs::path full = fs::absolute(path).lexically_normal();
  return full.has_filename() ? full : full.parent_path();  // "folder/" is "folder"
}

/// The deepest folder above, or equal to, both.
fs::path shared_folder(const fs::path& a, const fs::path& b) {
  fs::path shared;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end() && *i == *j; ++i, ++j) shared /= *i;
  return shared;
}

/// Names from the paths relative to `root`: without extension at first, then with it for all that clash, until none do.
/// It ends because whole paths differ.
void name_uniquely(std::vector<ImageFile>& images, const fs::path& root) {
  std::vector<std::string> whole;
  for (ImageFile& image : images) {
    const fs::path relative = full_path(image.path).lexically_relative(root);
    whole.push_back(relative.generic_string());
    image.name = fs::path(relative).replace_extension().generic_string();
  }
  for (bool clash = true; clash;) {
    clash = false;
    std::map<std::string, int> uses;
    for (const ImageFile& image : images) ++uses[image.name];
    for (std::size_t i = 0; i < images.size(); ++i)
      if (uses[images[i].name] > 1 && images[i].name != whole[i]) {
        images[i].name = whole[i];
        clash = true;
      }
  }
}

}  // namespace

std::vector<ImageFile> find_images(std::span<const fs::path> inputs) {
  std::vector<ImageFile> images;
  fs::path root;
  for (const fs::path& input : inputs) {
    std::error_code error;
    const fs::file_status status = fs::status(input, error);
    const bool folder = fs::is_directory(status);
    const fs::path place = folder ? full_path(input) : full_path(input).parent_path();
    root = root.empty() ? place : shared_folder(root, place);

    if (!fs::exists(status)) {
      const bool missing = status.type() == fs::file_type::not_found;
      images.push_back({input, {}, missing ? "no such file or folder" : "cannot be read: " + error.message()});
    } else if (folder) {
      const std::size_t before = images.size();
      collect(input, images);
      if (images.size() == before) images.push_back({input, {}, "folder holds no .png, .jpg, .jpeg or .bmp file"});
    } else {
      images.push_back({input, {}, {}});
    }
  }

  const auto less = [](const ImageFile& a, const ImageFile& b) { return full_path(a.path) < full_path(b.path); };
  const auto same = [](const ImageFile& a, const ImageFile& b) { return full_path(a.path) == full_path(b.path); };
  std::stable_sort(images.begin(), images.end(), less);
  images.erase(std::unique(images.begin(), images.end(), same), images.end());
  name_uniquely(images, root);
  return images;
}

}  // namespace giemsa
