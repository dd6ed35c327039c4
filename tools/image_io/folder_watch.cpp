#include "tools/image_io/folder_watch.h"

#include "engine/base/check.h"

namespace giemsa {

namespace fs = std::filesystem;

FolderWatch::FolderWatch(std::vector<fs::path> folders, ResultsIn results_in)
    : folders_(std::move(folders)), results_in_(std::move(results_in)) {
  for (const fs::path& folder : folders_) {
    std::error_code error;
    check(fs::is_directory(folder, error), ErrorKind::usage, folder.string(), ": no folder, so nothing to watch");
  }
}

std::vector<ImageFile> FolderWatch::look() {
  std::vector<ImageFile> come;
  std::map<fs::path, State> now;
  for (ImageFile& image : find_images(folders_, results_in_)) {
    if (!image.error.empty()) continue;  // an empty folder, or one that is away for a while
    std::error_code error;
    const State state{fs::file_size(image.path, error), error ? fs::file_time_type() : fs::last_write_time(image.path, error)};
    if (error) continue;  // it has gone since it was listed
    now[image.path] = state;
    const auto before = seen_.find(image.path), done = taken_.find(image.path);
    if (before == seen_.end() || before->second != state) continue;
    if (done != taken_.end() && done->second == state) continue;
    image.name = name_for(image);
    come.push_back(std::move(image));
  }
  for (const ImageFile& image : come) taken_[image.path] = now[image.path];
  seen_ = std::move(now);
  return come;
}

std::string FolderWatch::name_for(const ImageFile& image) {
  std::string& name = names_[{image.path, image.number}];
  if (!name.empty()) return name;
  name = image.name;
  const std::string extension = image.path.extension().string();
  if (given_.contains(name) && !name.ends_with(extension)) name += extension;
  const std::string stem = name;
  for (int i = 2; given_.contains(name); ++i) name = cat(stem, '~', i);
  given_.insert(name);
  return name;
}

}  // namespace giemsa
