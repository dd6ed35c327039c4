#include "tools/image_io/find_images.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <system_error>

#include "engine/base/check.h"
#include "tools/image_io/decode.h"
#include "tools/text/text.h"

namespace giemsa {
namespace {

namespace fs = std::filesystem;

std::string lower_extension(const fs::path& file) {
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return extension;
}

bool is_image_extension(std::string_view extension) {
  constexpr std::array<std::string_view, 6> known = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"};
  return std::find(known.begin(), known.end(), extension) != known.end();
}

/// Walks a folder that is an INPUT.
class Collector {
 public:
  Collector(const ResultsIn& results_in, std::vector<ImageFile>& found, LeftOut& left_out)
      : results_in_(results_in), found_(found), left_out_(left_out) {}

  /// Appends the folder's images, and an error for each part of it that cannot be listed.
  void collect(const fs::path& folder) {
    const std::size_t known_results = results_.size();
    if (results_in_)
      for (const std::string& file : results_in_(folder)) results_.insert(folder / file);
    if (results_.size() > known_results) left_out_.result_folders.push_back(folder);

    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
      if (!entry->path().filename().native().starts_with('.')) take(*entry);
    if (error) found_.push_back({folder, {}, "folder cannot be listed: " + error.message()});
  }

 private:
  void take(const fs::directory_entry& entry) {
    std::error_code ignored;  // what vanished meanwhile, or is a dangling link, is no folder
    const std::string extension = lower_extension(entry.path());
    if (entry.is_directory(ignored)) {
      if (entry.is_symlink(ignored))
        left_out_.linked_folders.push_back(entry.path());
      else
        collect(entry.path());
    } else if (results_.contains(entry.path())) {
      left_out_.results += is_image_extension(extension);
    } else if (is_image_extension(extension)) {
      found_.push_back({entry.path(), {}, {}});
    } else {
      ++left_out_.types[as_utf8(extension)];
    }
  }

  const ResultsIn& results_in_;
  std::vector<ImageFile>& found_;
  LeftOut& left_out_;
  std::set<fs::path> results_;
};

fs::path full_path(const fs::path& path) {
  if (path == standard_input) return path;
  const fs::path full = fs::absolute(path).lexically_normal();
  return full.has_filename() ? full : full.parent_path();  // "folder/" is "folder"
}

/// The deepest folder above, or equal to, both.
fs::path shared_folder(const fs::path& a, const fs::path& b) {
  fs::path shared;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end() && *i == *j; ++i, ++j) shared /= *i;
  return shared;
}

/// FNV-1a, 64 bits.
std::string hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return format("~%016llx", static_cast<unsigned long long>(hash));
}

/// A path as an output's name: UTF-8, no part of it so long that no ending can be added.
std::string output_name(const fs::path& path) {
  constexpr std::size_t longest = 240, kept = 200;  // of the 255 bytes that file systems allow
  std::string name;
  for (const fs::path& part : path) {
    std::string text = as_utf8(part.string());
    if (text.size() > longest) {
      const std::string hash = hash_of(text);
      text.resize(kept);
      while ((static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.pop_back();  // the rest of a cut character
      if (static_cast<unsigned char>(text.back()) >= 0xc0) text.pop_back();
      text += hash;
    }
    name += (name.empty() ? "" : "/") + text;
  }
  return name;
}

/// Where the outputs of `name` would lie.
std::array<std::string, 2> output_files(const std::string& name) {
  return {name + ".png", name + ".geojson"};
}

/// Names from the paths relative to `root`: without extension at first, then with it for all that clash, then with a
/// hash of the whole path, until none do.
void name_uniquely(std::vector<ImageFile>& images, const fs::path& root) {
  std::vector<std::array<std::string, 3>> choices;
  std::vector<std::size_t> chosen(images.size());
  for (const ImageFile& image : images) {
    const bool is_stream = image.path == standard_input;
    const fs::path relative = is_stream ? fs::path("stdin") : full_path(image.path).lexically_relative(root);
    const std::string place = image.count > 1 ? cat('#', image.number + 1) : "";
    choices.push_back({output_name(fs::path(relative).replace_extension()) + place, output_name(relative) + place,
                       output_name(relative.parent_path() / hash_of(relative.string()).insert(0, "image")) + place});
  }
  for (bool clash = true; clash;) {
    clash = false;
    std::map<std::string, int> uses;
    std::set<std::string> folders;
    for (std::size_t i = 0; i < images.size(); ++i) {
      const std::string& name = choices[i][chosen[i]];
      ++uses[name];
      for (std::size_t slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1))
        folders.insert(name.substr(0, slash));
    }
    std::vector<std::size_t> clashing;
    for (std::size_t i = 0; i < images.size(); ++i) {
      const std::string& name = choices[i][chosen[i]];
      const auto files = output_files(name);
      const bool in_the_way =
          std::ranges::any_of(files, [&](const std::string& file) { return folders.contains(file); });
      if ((uses[name] > 1 || in_the_way) && chosen[i] + 1 < choices[i].size()) clashing.push_back(i);
    }
    // Those that have given up least give way, so that no name is longer than it has to be.
    clash = !clashing.empty();
    if (!clash) break;
    const std::size_t least = chosen[*std::ranges::min_element(clashing, {}, [&](std::size_t i) { return chosen[i]; })];
    for (const std::size_t i : clashing) chosen[i] += chosen[i] == least;
  }
  for (std::size_t i = 0; i < images.size(); ++i) images[i].name = choices[i][chosen[i]];
}

/// Files that hold several images, as as many entries.
std::vector<ImageFile> one_by_one(std::vector<ImageFile> files) {
  std::vector<ImageFile> images;
  for (ImageFile& file : files) {
    if (file.error.empty()) file.count = count_images(file.path);
    for (file.number = 0; file.number < file.count; ++file.number) images.push_back(file);
  }
  return images;
}

}  // namespace

std::string ImageFile::text() const {
  return count > 1 ? cat(path.string(), '#', number + 1) : path.string();
}

std::string LeftOut::to_string() const {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  if (!types.empty()) {
    std::size_t files = 0;
    std::string by_type;
    for (const auto& [type, count] : types) {
      files += count;
      by_type += cat(by_type.empty() ? "" : ", ", count, ' ', type.empty() ? "without an extension" : type);
    }
    add(cat(counted(files, "file"), " of other types left out: ", by_type));
  }
  if (results > 0) {
    std::string folders;
    for (const fs::path& folder : result_folders) folders += (folders.empty() ? "" : ", ") + as_utf8(folder.string());
    add(cat(counted(results, "picture"), " of earlier results left out: in ", folders));
  }
  if (!linked_folders.empty()) {
    std::string folders;
    for (const fs::path& folder : linked_folders) folders += (folders.empty() ? "" : ", ") + as_utf8(folder.string());
    add(cat(counted(linked_folders.size(), "linked folder"), " not followed: ", folders));
  }
  return text;
}

std::vector<ImageFile> find_images(std::span<const fs::path> inputs, const ResultsIn& results_in, LeftOut* left_out) {
  LeftOut unheard;
  std::vector<ImageFile> images;
  fs::path root;
  for (const fs::path& input : inputs) {
    if (input == standard_input) {
      images.push_back({input, {}, {}});
      continue;
    }
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
      LeftOut& passed_over = left_out != nullptr ? *left_out : unheard;
      Collector(results_in, images, passed_over).collect(input);
      if (images.size() == before)
        images.push_back({input, {}, "folder holds no .png, .jpg, .jpeg, .bmp or .tif file"});
    } else {
      images.push_back({input, {}, {}});
    }
  }

  const auto less = [](const ImageFile& a, const ImageFile& b) { return full_path(a.path) < full_path(b.path); };
  const auto same = [](const ImageFile& a, const ImageFile& b) { return full_path(a.path) == full_path(b.path); };
  std::stable_sort(images.begin(), images.end(), less);
  images.erase(std::unique(images.begin(), images.end(), same), images.end());
  images = one_by_one(std::move(images));
  name_uniquely(images, root);
  return images;
}

std::vector<ImageFile> find_all_images(const std::vector<std::string>& inputs) {
  const std::vector<fs::path> paths(inputs.begin(), inputs.end());
  std::vector<ImageFile> images = find_images(paths);
  for (const ImageFile& image : images)
    check(image.error.empty(), ErrorKind::usage, image.path.string(), ": ", image.error);
  return images;
}

}  // namespace giemsa
