// Which tile and how many splits a convolution runs with: kernels::choose(), or what `giemsa tune` measured on a GPU of
// the same model. A file of lines, so that it can be shipped, compared and read:
//
//   giemsa-tuning 1
//   gpu NVIDIA H200
//   conv2d 1x14x14x2048 1x1/1x1 p0x0 d1x1 g1 -> 256  m32n64k64 8
#pragma once

#include <functional>
#include <map>
#include <string>

#include "kernels/conv2d.h"

namespace giemsa::cuda {

/// What decides how fast a plan is, as a tuning file has it; the strides of slices do not.
std::string describe(const kernels::Conv2dParams& params);
/// "m32n64k64 8"
std::string describe(const kernels::Conv2dPlan& plan);

class Tuning {
 public:
  Tuning() = default;

  /// Reads a file that text() made. Throws Error(usage), naming file and line, where it is damaged or for another GPU.
  static Tuning read(const std::string& file, const std::string& gpu);

  void set(const kernels::Conv2dParams& params, const kernels::Conv2dPlan& plan);
  kernels::Conv2dPlan plan_for(const kernels::Conv2dParams& params, int sm_count) const;
  /// Has `asked` called with every convolution that plan_for() is asked about.
  void observe(std::function<void(const kernels::Conv2dParams&)> asked) { asked_ = std::move(asked); }

  std::string text(const std::string& gpu) const;
  bool empty() const { return plans_.empty(); }

 private:
  std::map<std::string, kernels::Conv2dPlan> plans_;  // by the convolution's description
  std::function<void(const kernels::Conv2dParams&)> asked_;
};

}  // namespace giemsa::cuda
