// The images that a command line's INPUT arguments mean, and a name for the outputs of each.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace giemsa {

/// One image, or one INPUT that cannot be used: then `error` says why, and the run goes on without it.
struct ImageFile {
  std::filesystem::path path;
  std::string name;  ///< unique in the list; '/' separates sub-folders; `labels/<name>.png` is its label image
  std::string error;
};

/// Expands files and folders, the latter recursively, into a list without duplicates, sorted by path. An explicitly
/// named file is always taken; in folders those that end in .png, .jpg, .jpeg or .bmp in any case are. Hidden files and
/// folders are skipped; symbolic links to folders are followed only where they are an INPUT themselves, so no cycle is
/// possible.
///
/// A name is the path relative to the folder that all INPUTs share, without extension; the extension stays where two
/// names would be the same (`x.png` beside `x.jpg`). It depends on nothing else, so that a later run finds the same
/// outputs.
std::vector<ImageFile> find_images(std::span<const std::filesystem::path> inputs);

}  // namespace giemsa
