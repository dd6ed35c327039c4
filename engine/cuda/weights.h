// Layers' constants on the GPU in the form that kernels read, made once and shared by all sessions of a backend.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/cuda/runtime.h"
#include "engine/graph/graph.h"
#include "engine/graph/weight_key.h"
#include "engine/plan/layout.h"

namespace giemsa::cuda {

/// Device addresses, each aligned to 256 bytes; null where the layer has no such constants.
struct LayerWeights {
  void* weight = nullptr;
  float *bias = nullptr, *scale = nullptr;
  void* typed_bias = nullptr;  ///< the bias as a vendor's library takes it

  template <class T>
  const T* weight_as() const {
    return static_cast<const T*>(weight);
  }
};

/// Thread-safe. Entries live as long as the store and keep the source tensors, whose identity is their key, alive.
/// `precision` is fp32 or fp16; a weight that fp16 cannot hold is an Error(model) that names the layer.
class WeightStore {
 public:
  /// As kernels::conv2d takes it, normalisation folded in.
  const LayerWeights& convolution(const Conv2d& op, const Weights& layer, std::int64_t in_channels, DType precision);
  /// As a vendor's library takes it: {out_channels, kh, kw, group_in} with `row` elements from one output channel to
  /// the next and zeros between, normalisation folded in; and typed_bias in `bias_type`.
  const LayerWeights& convolution_of_vendor(const Weights& layer, std::int64_t row, DType precision, DType bias_type);
  /// {kh, kw, channels}, zeros for channels beyond the node's.
  const LayerWeights& depthwise(const Weights& layer, std::int64_t channels, DType precision);
  /// Scale and shift (as `bias`) of a batch normalisation that stands alone.
  const LayerWeights& affine(const Weights& layer, float eps);
  /// {outputs, inputs}, zeros for rows and columns beyond the node's; in `precision`, or int8 as it came. Where
  /// `map` {N,C,H,W} is given, columns are put in H, W, C order. typed_bias where a type is given.
  const LayerWeights& linear(const Weights& layer, std::int64_t outputs, std::int64_t inputs, const Shape* map,
                             DType precision, std::optional<DType> bias_type = {});

  std::size_t bytes() const;

 private:
  struct Packed {
    std::vector<std::byte> weight;
    std::vector<float> bias, scale;
    std::vector<std::byte> typed_bias = {};
  };
  struct Entry {
    LayerWeights layer;
    DeviceMemory memory;
    Weights source;
  };

  template <class Pack>
  const LayerWeights& find_or_make(const Weights& layer, std::string use, const Pack& pack);

  mutable std::mutex mutex_;
  std::map<WeightKey, Entry> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace giemsa::cuda
