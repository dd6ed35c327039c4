// What a run produces, whatever it is written as.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/device.h"
#include "nets/smear.h"
#include "tools/image_io/find_images.h"
#include "tools/image_io/pixel_size.h"
#include "tools/run/run_options.h"

namespace giemsa {

/// Printed with every result.
inline constexpr const char* research_use_only = "Research use only: not for diagnosis.";

/// Which model file gave a result.
struct ModelFile {
  std::string file, sha256, arch, preset;
};

/// What was run, with which settings: the provenance that accompanies every result.
struct RunInfo {
  std::string device, precision;  ///< what was used, not what was asked for
  DeviceKind device_kind = DeviceKind::cpu;
  DeviceOptions compute;          ///< what was asked for
  int jobs = 1;                   ///< images in work at a time
  ModelFile segmenter, classifier;
  std::string profile, profile_sha256;  ///< of the laboratory, which adapted the classifier; empty where there is none
  std::vector<std::string> classes;     ///< the classifier's
  RunOptions options;                ///< `segment_size` is set: the one in use
  std::string tuning_sha256;         ///< of compute.tuning; empty where there is none
  LeftOut left_out;                  ///< of the folders that were searched
  bool interrupted = false;          ///< some images were not reached: the results are those of the others
};

/// One input. Where `error` is set the rest but `file` and `name` means nothing.
struct ImageResult {
  std::string file;  ///< as given, or as found below the folder given; UTF-8
  std::string name;  ///< of its output files, without extension; unique within a run
  std::string error;
  int width = 0, height = 0;
  std::vector<Cell> cells;
  double decode_ms = 0;
  StageTimes ms;
  std::string warning{};                  ///< what was assumed of the file
  std::optional<PixelSize> pixel_size{};  ///< where the file tells it

  bool ok() const { return error.empty(); }
  /// From file to named cells.
  double total_ms() const { return decode_ms + ms.total; }
};

/// A cell's area in square micrometres, where the image's pixels are known.
std::optional<double> area_um2(const ImageResult& image, const Cell& cell);

/// Where the image's label image is, in the folder of results.
std::string label_image(const ImageResult& image);

/// How many regions of each kind. White cells are `named` and `unsure`.
struct CellCounts {
  std::vector<std::int64_t> classes;  ///< in the order of the classifier's classes, `other_class` among them
  std::int64_t named = 0, unsure = 0, other = 0;

  explicit CellCounts(std::size_t class_count) : classes(class_count) {}
  void add(const Cell& cell);
  void add(std::span<const Cell> cells);
  std::int64_t white_cells() const { return named + unsure; }
  /// "2 unsure cells and 1 other region"; empty where there are none.
  std::string uncounted() const;
};

}  // namespace giemsa
