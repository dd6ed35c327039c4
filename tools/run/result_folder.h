// The folder that `giemsa run --out` fills.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/base/frame.h"
#include "tools/image_io/find_images.h"
#include "tools/run/folder_lock.h"
#include "tools/run/gallery.h"
#include "tools/run/journal.h"
#include "tools/run/ledger.h"
#include "tools/run/results.h"

namespace giemsa {

/// Each file is written atomically and the tables come last: where results.json is, it tells of everything there. Only
/// files that runs wrote are ever replaced or removed. Every call throws Error(output) where something cannot be
/// written.
class ResultFolder {
 public:
  /// Which pictures a run will write beside labels and overlays.
  struct Kinds {
    bool crops = false, geojson = false;
  };

  /// Makes the folder and locks it. Throws Error(output) where another run is at work there, it cannot be written to,
  /// or it holds files under names of ours that no run wrote; what is there stays as it is.
  ResultFolder(std::filesystem::path folder, Kinds kinds);

  /// Begins a run: everything that earlier runs wrote is removed. With `resume`, pictures of that run stay, and its
  /// tables go; throws Error(usage) where it had other models or settings.
  void begin(const RunInfo& info, bool resume);

  /// The result of an image that the resumed run had finished and that has not changed since, if all files that belong
  /// to it are there.
  std::optional<ImageResult> finished(const RunInfo& info, const ImageFile& input) const;

  /// Writes the pictures of one image.
  void add(const RunInfo& info, const ImageFile& input, const ImageResult& image, const Frame& frame,
           const Labels& labels);

  /// Takes in an image whose pictures an earlier run has written: one that `finished` gave.
  void keep(const RunInfo& info, const ImageFile& input, const ImageResult& image);

  /// Writes results.json, the tables and the report, and has everything on the disk before they appear. Pictures of a
  /// resumed run that no image has any more are removed.
  void finish(const RunInfo& info, std::span<const ImageResult> images);

 private:
  std::filesystem::path path_of(const std::string& file) const { return folder_ / file; }
  void refuse_foreign_files() const;
  void remove_leftovers() const;
  void remove_files(const std::set<std::string>& files);
  void write(const std::string& file, std::span<const std::uint8_t> bytes);

  std::filesystem::path folder_;
  Kinds kinds_;
  FolderLock lock_;
  Ledger ledger_;
  Journal journal_;
  Gallery gallery_{0};  ///< of all images so far
};

}  // namespace giemsa
