// Weights in the form that kernels read, made once and shared by all sessions of a backend.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/cpu/kernel_types.h"
#include "engine/cpu/onednn.h"
#include "engine/cpu/pages.h"
#include "engine/graph/graph.h"
#include "engine/graph/weight_key.h"
#include "engine/plan/layout.h"
#include "kernels/cpu/layers/stem.h"
#include "kernels/cpu/layers/winograd.h"

namespace giemsa::cpu {

/// Convolution weights in the layout that a oneDNN primitive asked for, normalisation folded in.
struct ConvWeights {
  Pages pages;  ///< what `weight` or `winograd` lies in
  dnnl::memory weight;
  std::vector<float> bias;
  std::vector<float> scale;      ///< where `weight` is int8: the real number that a 1 stands for, per output channel
  std::vector<float> depthwise;  ///< [kernel.h * kernel.w][C], for our own depthwise kernel; then `weight` is empty
  const kernels::WinogradLine* winograd = nullptr;  ///< for our Winograd kernel; then only the bias is there besides
  kernels::StemWeights stem;  ///< for our own kernel of first convolutions; then nothing else is there
};

/// Weights of a fully connected layer that multiplies 8 bits, for a result in steps of its own.
struct LinearWeights {
  Tensor weight;  ///< int8 {out, in}: as stored, where that is int8
  std::vector<float> scale, bias;
};

/// Scale and shift of a batch normalisation that stands alone.
struct AffineWeights {
  std::vector<float> scale, shift;
};

/// Thread-safe. Entries keep the source tensors, whose identity is their key, alive.
///
/// oneDNN asks for convolution weights in a layout that depends on the feature map's size, so that one layer may be
/// packed in many forms. A form is kept while a step reads it; where no form of a layer is read any more, the last one
/// is kept for the next session.
class WeightCache {
 public:
  /// Weights that are packed lie in memory of `memory`, or, where that is null, of the system.
  explicit WeightCache(std::shared_ptr<HostMemory> memory) : memory_(std::move(memory)) {}

  std::shared_ptr<const ConvWeights> convolution(const Conv2d& op, const Weights& layer, const dnnl::engine& engine,
                                                 const dnnl::memory::desc& desc);
  /// For values of `in_scale` a step in, and `out_scale` a step out (see depthwise.h).
  std::shared_ptr<const ConvWeights> depthwise(const Weights& layer, float in_scale, float out_scale);
  /// For inputs and results stored as `src` and `dst` are (see stem.h).
  std::shared_ptr<const ConvWeights> stem(const kernels::ConvolutionParams& params, const Weights& layer,
                                          const Buffer& src, const Buffer& dst);
  std::shared_ptr<const ConvWeights> winograd(const kernels::ConvolutionParams& params, const Weights& layer);
  /// Of a fully connected layer of 8 bits, for steps as those of depthwise().
  std::shared_ptr<const LinearWeights> linear(const Weights& layer, float in_scale, float out_scale);
  std::shared_ptr<const AffineWeights> affine(const Weights& layer, float eps);
  /// A bias as fp32; zeros where there is none.
  std::shared_ptr<const std::vector<float>> bias(const Weights& layer, std::int64_t outputs);

  /// Gives up the forms that no step reads, but for the last one of layers of which no form is read. Called when steps
  /// have gone.
  void trim();

  std::size_t bytes() const;

 private:
  template <class T>
  struct Entry {
    std::shared_ptr<const T> packed;
    Weights source;  // keeps the bytes, whose address is the key, alive
    std::size_t bytes = 0;
  };
  const std::shared_ptr<HostMemory> memory_;
  mutable std::mutex mutex_;
  std::multimap<WeightKey, Entry<ConvWeights>> convolutions_;  // forms of one key: the last one packed at the end
  std::map<WeightKey, Entry<LinearWeights>> linears_;
  std::map<WeightKey, Entry<AffineWeights>> affines_;
  std::map<WeightKey, Entry<std::vector<float>>> biases_;
  std::size_t bytes_ = 0;
};

}  // namespace giemsa::cpu
