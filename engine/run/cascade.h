// Finding regions in a frame, then computing something of each: the one shape of work whose amount is known only while
// it runs.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/base/region.h"
#include "engine/graph/graph.h"

namespace giemsa {

class Backend;

struct CascadeGraphs {
  /// Frame u8 {1,H,W,3} -> labels i32 {1,1,h,w}, and the table of their regions. Its first stage segments, later ones
  /// are post-processing (Graph::begin_stage).
  Graph detect;
  std::array<Graph, 3> each;  ///< frame and boxes i32 {B,4} -> {B,K}: B as in batch_sizes; or all empty

  /// How many regions one run of `each[i]` takes. At batch 1 fully connected weights cost as much as the convolutions;
  /// 16 share one pass over them.
  static constexpr std::array<std::int64_t, 3> batch_sizes{16, 4, 1};

  /// Without: regions are found, and nothing is computed of them.
  bool classifies() const { return !each.front().nodes().empty(); }
};

/// Milliseconds of the last run.
struct CascadeTimes {
  double segment = 0, postprocess = 0;  ///< the first stage of `detect`, and the later ones
  double classify = 0;                  ///< `each`
};

/// Bytes that something compiled holds for itself: activations, and copies of inputs and results. Weights belong to the
/// backend.
struct MemoryUse {
  std::size_t host = 0;    ///< page-locked memory included
  std::size_t device = 0;  ///< of a GPU

  MemoryUse& operator+=(const MemoryUse& other) {
    host += other.host;
    device += other.device;
    return *this;
  }
};

/// The pixels of a frame, u8 {1,H,W,3}: in the host's memory, without gaps, or where the backend's GPU reads them
/// itself.
struct FramePixels {
  FramePixels(const std::uint8_t* host) : data(host) {}
  /// Rows begin `stride` bytes apart. The pixels are ready when what is enqueued in the CUDA stream `ready_in` has been
  /// done.
  FramePixels(const std::uint8_t* gpu, std::size_t stride, void* ready_in)
      : data(gpu), on_gpu(true), row_stride(stride), stream(ready_in) {}

  const std::uint8_t* data;
  bool on_gpu = false;
  std::size_t row_stride = 0;  ///< of pixels on a GPU
  void* stream = nullptr;
};

/// Compiled graphs of a cascade. Not for several threads at once; once it has run, run() allocates nothing. What its
/// getters give is valid until the next run.
class Cascade {
 public:
  virtual ~Cascade() = default;

  /// Runs everything once, with any frame, so that the next run takes as long as later ones.
  virtual void warm_up() = 0;

  /// As Session::stop_when().
  virtual void stop_when(const std::atomic<bool>* flag) = 0;

  /// `frame` is read until run() returns. Throws Error(device), and Error(usage) for a frame where this cascade cannot
  /// read it: only one that a GPU runs as a whole reads a GPU's memory.
  virtual void run(const FramePixels& frame) = 0;

  /// Of labels 1, 2, ... A label that has no pixel has area 0.
  virtual std::span<const Region> regions() const = 0;
  /// A row of K values for each region, none where nothing is computed of them; those of a region without pixels mean
  /// nothing.
  virtual std::span<const float> values() const = 0;
  /// The label image, {h,w}. No label exceeds 65535.
  virtual void copy_labels(std::span<std::uint16_t> to) const = 0;
  virtual const CascadeTimes& times() const = 0;
  virtual MemoryUse memory() const = 0;
};

/// The cascade on any backend's sessions, region by region through the host.
std::unique_ptr<Cascade> make_session_cascade(Backend& backend, const CascadeGraphs& graphs);

/// Throws Error(image) where there are more regions than a 16-bit label image can number.
void check_region_count(std::int32_t count);

}  // namespace giemsa
