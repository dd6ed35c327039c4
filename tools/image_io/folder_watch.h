// Images as they come into folders: what an instrument that drops files leaves there.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tools/image_io/find_images.h"

namespace giemsa {

/// Looks into folders again and again. A file is taken once two looks in a row find it with the same size and time of
/// change, so that none is read while it is being written; one that changes later is taken again, under its name.
class FolderWatch {
 public:
  /// Throws Error(usage) where an input is no folder.
  FolderWatch(std::vector<std::filesystem::path> folders, ResultsIn results_in);

  /// The images that have come since the last call, sorted by path and named as by find_images(); a name that another
  /// image has been given keeps its owner: the newcomer's has its extension, and, where need be, a number.
  std::vector<ImageFile> look();

 private:
  struct State {
    std::uintmax_t bytes = 0;
    std::filesystem::file_time_type changed;
    friend bool operator==(const State&, const State&) = default;
  };
  using Key = std::pair<std::filesystem::path, int>;  // a file, and which of its images

  std::string name_for(const ImageFile& image);

  std::vector<std::filesystem::path> folders_;
  ResultsIn results_in_;
  std::map<std::filesystem::path, State> seen_, taken_;
  std::map<Key, std::string> names_;
  std::set<std::string> given_;
};

}  // namespace giemsa
