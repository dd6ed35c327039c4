// Weights in the form that kernels read, made once and shared by all sessions of a backend.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "engine/cpu/onednn.h"
#include "engine/graph.h"

namespace giemsa::cpu {

/// Convolution weights in the layout that a oneDNN primitive asked for, normalisation folded in.
struct ConvWeights {
  dnnl::memory weight;
  std::vector<float> bias;
  std::vector<float> depthwise;  ///< [kernel.h * kernel.w][C], for our own depthwise kernel; then `weight` is empty
};

/// Scale and shift of a batch normalisation that stands alone.
struct AffineWeights {
  std::vector<float> scale, shift;
};

/// Thread-safe. Entries are found by the identity of all source tensors' bytes, which entries keep alive: two graphs
/// built from one model share, two models never collide, nor do two layers that have some tensors in common.
class WeightCache {
 public:
  std::shared_ptr<const ConvWeights> convolution(const Node& node, const dnnl::engine& engine,
                                                 const dnnl::memory::desc& desc);
  std::shared_ptr<const ConvWeights> depthwise(const Node& node);
  std::shared_ptr<const AffineWeights> affine(const Node& node);
  /// A bias as fp32; zeros where there is none.
  std::shared_ptr<const std::vector<float>> bias(const Node& node, std::int64_t outputs);

  std::size_t bytes() const;

 private:
  struct Key {
    std::array<const std::byte*, 8> tensors;
    float eps;
    std::string use;
    auto operator<=>(const Key&) const = default;
  };
  template <class T>
  struct Entry {
    std::shared_ptr<const T> packed;
    Weights source;  // keeps the bytes, whose address is the key, alive
  };
  static Key key_of(const Node& node, std::string use);

  mutable std::mutex mutex_;
  std::multimap<Key, Entry<ConvWeights>> convolutions_;
  std::map<Key, Entry<AffineWeights>> affines_;
  std::map<Key, Entry<std::vector<float>>> biases_;
  std::size_t bytes_ = 0;
};

}  // namespace giemsa::cpu
