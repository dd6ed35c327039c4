// The images that a command line's INPUT arguments mean, and a name for the outputs of each.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace giemsa {

/// One image, or one INPUT that cannot be used: then `error` says why, and the run goes on without it.
struct ImageFile {
  std::filesystem::path path;
  std::string name;  ///< unique in the list, UTF-8; '/' separates sub-folders; `labels/<name>.png` is its label image
  std::string error;
  int number = 0, count = 1;  ///< which of the file's images it is, from 0; how many the file holds

  /// The path, and `#3` for the third of several.
  std::string text() const;
};

/// What folders hold and find_images passes over.
struct LeftOut {
  std::map<std::string, std::size_t> types;           ///< files of no known type: how many of each, ".tif"
  std::vector<std::filesystem::path> linked_folders;  ///< symbolic links to folders
  std::size_t results = 0;                            ///< pictures that earlier runs drew
  std::vector<std::filesystem::path> result_folders;  ///< where those are

  /// One line without an end: "12 files left out: 10 .tif, 2 .txt; ..."; empty where nothing is.
  std::string to_string() const;
};

/// The files that an earlier run has written into `folder`, relative to it; empty where it is no folder of results.
using ResultsIn = std::function<std::set<std::string>(const std::filesystem::path& folder)>;

/// Expands files and folders, the latter recursively, into a list without duplicates, sorted by path. An explicitly
/// named file is always taken, `standard_input` too, whose name is "stdin"; in folders those that end in .png, .jpg,
/// .jpeg, .bmp, .tif or .tiff in any case are. Each image of a TIFF file that holds several is one of its own,
/// `name#3`. Hidden files and folders are skipped; symbolic links to folders are followed only where they are an INPUT
/// themselves, so no cycle is possible; what `results_in` names is passed over. `left_out` counts what is not taken,
/// hidden files apart.
///
/// A name is the path relative to the folder that all INPUTs share, without extension; the extension stays where two
/// names would be the same (`x.png` beside `x.jpg`), or one's output would lie where another needs a folder. Bytes that
/// are not UTF-8 are written as \xHH, and what is too long for a file system once an ending is added is cut and ends in
/// a hash. It depends on nothing else, so that a later run finds the same outputs.
std::vector<ImageFile> find_images(std::span<const std::filesystem::path> inputs, const ResultsIn& results_in = {},
                                   LeftOut* left_out = nullptr);

/// The same of a command's arguments, for work that must not depend on what happened to be readable: throws Error(usage)
/// where one of them cannot be used.
std::vector<ImageFile> find_all_images(const std::vector<std::string>& inputs);

}  // namespace giemsa
