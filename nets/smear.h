// The whole way of one image, as graphs: frame -> segment -> clean up -> isolate each cell -> name it.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/frame.h"
#include "engine/run/session.h"
#include "nets/model.h"

namespace giemsa {

/// How cells that touch are told apart.
enum class Split {
  none,      ///< not at all: a component is a cell
  distance,  ///< along the necks of their component: DistanceTransform, Basins and MergeBasins
  centre,    ///< by the centres that the segmenter's centre head tells: CentrePeaks, AssignCentres and MergeBasins
};

struct SmearOptions {
  std::optional<InputSize> segment_size;  ///< default: the segmenter's own
  std::int64_t min_area = 200;            ///< smaller components vanish, in pixels of the mask
  float threshold = 0.5f;                 ///< probability of being a cell above which a pixel is one
  CropMode crop = CropMode::tight;
  Split split = Split::none;
  bool mask_at_frame_resolution = true;  ///< false: label at the network's resolution, boxes scaled back to the frame
  float min_probability = 0;             ///< a cell whose class is less probable than this is unsure
  std::size_t kept_sizes = 8;            ///< frame sizes whose graphs are kept; beyond, the one unused for longest goes
};

/// What the classifier makes of a region.
enum class Finding {
  named,   ///< a white cell of the class that is most probable; without a classifier every region is
  unsure,  ///< a white cell, its class not probable enough
  other,   ///< no white cell: `other_class` is most probable
};

/// A region that the segmenter found, in pixels of the original image, origin top left.
struct Cell {
  int id = 0;  ///< 1..N, its value in the label image
  int x = 0, y = 0, w = 0, h = 0;
  std::int64_t area = 0;
  double centroid_x = 0, centroid_y = 0;
  int class_index = 0;               ///< the most probable; -1 without a classifier
  std::vector<float> probabilities;  ///< one per class of the classifier; none without one
  Finding finding = Finding::named;
  bool at_edge = false;  ///< its box touches the image's edge: part of it may be missing
};

/// What a cell is called: its class, or `unsure_name`. There has to be a classifier.
inline constexpr std::string_view unsure_name = "unsure";
std::string_view name_of(const Cell& cell, std::span<const std::string> classes);

/// The probability of the most probable class.
double probability_of(const Cell& cell);

/// Milliseconds of each stage.
struct StageTimes {
  double segment = 0, postprocess = 0, classify = 0, total = 0;
};

struct SmearResult {
  std::vector<Cell> cells;
  Labels labels;  ///< at the frame's size; 0 background, 1..N
  StageTimes ms;
};

/// Frame u8 {1,H,W,3} -> labels i32 {1,1,H,W} and region table. Throws as check_split() does.
Graph segment_graph(const Model& segmenter, Size2 frame, const SmearOptions& options);

/// Throws Error(model) where a model, as the message says, does not fit the role or lacks the scales that `precision`
/// needs.
void check_segmenter(const Model& model, DType precision);
void check_classifier(const Model& model, DType precision);

/// Throws Error(model) where cells cannot be told apart so with this segmenter.
void check_split(const Model& segmenter, Split split);

/// Frame u8 {1,H,W,3} and boxes i32 {batch,4} -> probabilities {batch,classes}.
Graph classify_graph(const Model& classifier, Size2 frame, std::int64_t batch, CropMode crop);

/// A segmenter and a classifier on a backend. Not for several threads at once; graphs are compiled for the first image
/// of each size and kept, after which nothing is allocated but what `SmearResult` holds.
class Smear {
 public:
  /// Without a classifier cells are found, and have no class. Throws Error(model) where a model does not fit its role.
  Smear(Model segmenter, std::optional<Model> classifier, SmearOptions options, std::shared_ptr<Backend> backend);
  ~Smear();
  Smear(Smear&&) noexcept;

  /// Finds and names the cells of one frame. `result` is overwritten; its buffers are reused.
  void identify(const Frame& frame, SmearResult& result) {
    identify(frame.rgb.data(), {frame.height, frame.width}, result);
  }
  /// The same, of 8-bit RGB pixels, interleaved, in the host's memory or in that of the GPU that computes.
  void identify(const FramePixels& rgb, Size2 size, SmearResult& result);

  /// Compiles for frames of this size and runs a blank one.
  void prepare(Size2 frame);

  /// identify() throws Error(cancelled) soon after `flag`, which outlives this, is set. Null: never.
  void stop_when(const std::atomic<bool>* flag);

  /// What the graphs compiled for all kept frame sizes hold, and of how many sizes there are such.
  MemoryUse memory() const;
  std::size_t compiled_sizes() const;

  const ModelInfo& segmenter() const;
  const ModelInfo& classifier() const;  ///< there has to be one
  const SmearOptions& options() const;
  std::string device_name() const;     ///< what is used: "cpu (oneDNN 2.6.3, avx512_core_bf16, 2 threads)"
  std::string precision_name() const;  ///< what is used: "fp32", "bf16"

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace giemsa
