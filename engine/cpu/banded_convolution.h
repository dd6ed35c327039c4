// A convolution that oneDNN computes, shared among threads band by band.
//
// Each band is a primitive made for one thread, so that oneDNN starts no threads of its own: who computes what, the
// session's executor decides, and a slow core holds a layer up by one band at most.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "engine/cpu/bands.h"
#include "engine/cpu/session.h"

namespace giemsa::cpu {

/// How oneDNN calls a type.
dnnl::memory::data_type onednn_type(DType dtype);

/// From here on oneDNN computes on the thread that calls this alone.
void use_one_thread();

/// While it exists, oneDNN computes on the thread that calls it alone.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

class BandedConvolution {
 public:
  /// Of the builder's node: dense `src` -> dense `dst`, to which the result is added first where `added_to` says how.
  /// Throws Error(model), naming the layer, where oneDNN has no such convolution.
  BandedConvolution(StepBuilder& builder, const Buffer* src, const Buffer* dst, const std::optional<AddedTo>& added_to);

  /// Called once, when every buffer knows its address.
  void bind();
  void run() const;

 private:
  /// What bands of one shape share.
  struct Kernel {
    BandShape shape;
    dnnl::convolution_forward primitive;
    dnnl::memory::desc src, dst, scratchpad;
    std::shared_ptr<const ConvWeights> weights;
    std::optional<OutputScales> scales;  ///< of a convolution of integers
    dnnl::memory bias;
    std::vector<dnnl_exec_arg_t> arguments;  ///< but for source, destination and scratchpad
    std::vector<dnnl::memory> scratchpads;   ///< of each worker
  };
  /// A band with the memory that it reads and writes.
  struct Part {
    const Kernel* kernel;
    std::int64_t src_offset, dst_offset;  ///< in bytes
    dnnl::memory src, dst;
  };

  const Kernel& kernel_for(StepBuilder& builder, const BandShape& shape, const dnnl::primitive_attr& attributes);
  void execute(const Part& part, std::size_t worker) const;

  const Buffer *src_, *dst_, *scratch_;
  std::deque<Kernel> kernels_;
  std::vector<Part> parts_;
  std::vector<dnnl::stream> streams_;  ///< of each worker
};

}  // namespace giemsa::cpu
