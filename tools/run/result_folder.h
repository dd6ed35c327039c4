// The folder that `giemsa run --out` fills.
#pragma once

#include <filesystem>
#include <optional>
#include <span>

#include "engine/base/frame.h"
#include "tools/image_io/find_images.h"
#include "tools/run/gallery.h"
#include "tools/run/journal.h"
#include "tools/run/results.h"

namespace giemsa {

/// Each file is written atomically and the tables come last: where results.json is, the run is complete. Every call
/// throws Error(output) where something cannot be written.
class ResultFolder {
 public:
  /// What a folder that was filled here holds.
  static constexpr const char* marker = ".giemsa";

  /// Makes the folder and makes sure that it can be written to.
  explicit ResultFolder(std::filesystem::path folder);

  /// Begins a run; tables of an earlier one are removed. With `resume`, what that run has finished is kept; throws
  /// Error(usage) where it had other models or settings.
  void begin(const RunInfo& info, bool resume);

  /// The result of an image that the resumed run had finished and that has not changed since.
  std::optional<ImageResult> finished(const RunInfo& info, const ImageFile& input) const;

  /// Writes the pictures of one image.
  void add(const RunInfo& info, const ImageFile& input, const ImageResult& image, const Frame& frame,
           const Labels& labels);

  /// Takes in an image whose pictures an earlier run has written: one that `finished` gave.
  void keep(const RunInfo& info, const ImageFile& input, const ImageResult& image);

  /// Writes results.json, the tables and the report.
  void finish(const RunInfo& info, std::span<const ImageResult> images);

 private:
  std::filesystem::path file(const char* kind, const std::string& name, const char* extension) const;
  void write_crops(const RunInfo& info, const ImageResult& image, const Frame& frame) const;

  std::filesystem::path folder_;
  Journal journal_;
  Gallery gallery_{0};  ///< of all images so far
};

}  // namespace giemsa
