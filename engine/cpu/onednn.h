// The one place that sees oneDNN: what differs between its 2.x and 3.x APIs, and nothing more.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <string>
#include <vector>

namespace giemsa::cpu {

struct ConvolutionSpec {
  dnnl::memory::desc src, weights, bias, dst;
  dnnl::memory::dims strides, dilations;             ///< dilations as oneDNN counts them: 0 is dense
  dnnl::memory::dims padding_before, padding_after;  ///< above and left of the input, below and right of it
};

/// A forward-inference convolution. Throws dnnl::error where oneDNN has no implementation.
inline dnnl::convolution_forward::primitive_desc convolution(const dnnl::engine& engine, const ConvolutionSpec& spec,
                                                             const dnnl::primitive_attr& attributes) {
  const auto kind = dnnl::prop_kind::forward_inference;
  const auto algorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine,       kind,           algorithm,           spec.src,           spec.weights, spec.bias, spec.dst,
          spec.strides, spec.dilations, spec.padding_before, spec.padding_after, attributes};
#else
  return {dnnl::convolution_forward::desc(kind, algorithm, spec.src, spec.weights, spec.bias, spec.dst, spec.strides,
                                          spec.dilations, spec.padding_before, spec.padding_after),
          attributes, engine};
#endif
}

inline dnnl::memory::data_type data_type_of(const dnnl::memory::desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
  return desc.get_data_type();
#else
  return desc.data_type();
#endif
}

/// What a convolution adds its result to: dst as it is before, read as `dtype` and multiplied by `scale`.
struct AddedTo {
  float scale = 1;
  dnnl::memory::data_type dtype = dnnl::memory::data_type::undef;  ///< undef: that of dst
};

/// dst = min(relu(convolution + bias [+ dst]), ceiling); scratch memory comes from the caller. Without `relu` there is
/// no ceiling.
inline dnnl::primitive_attr convolution_attributes(const std::optional<AddedTo>& added_to, bool relu, float ceiling) {
  dnnl::post_ops post;
  if (added_to) post.append_sum(added_to->scale, 0, added_to->dtype);
  const bool clips = std::isfinite(ceiling);
  const auto rectifier = clips ? dnnl::algorithm::eltwise_clip : dnnl::algorithm::eltwise_relu;
  const float most = clips ? ceiling : 0.0f;  // eltwise_relu takes no second parameter
#if DNNL_VERSION_MAJOR >= 3
  if (relu) post.append_eltwise(rectifier, 0.0f, most);
#else
  if (relu) post.append_eltwise(1.0f, rectifier, 0.0f, most);
#endif
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(post);
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

/// A convolution of integers multiplies its sums by a scale an output channel, ahead of everything else:
/// sum * scale[o] + bias[o]. oneDNN 2 keeps the scales in the attributes and adds its bias before it scales; oneDNN 3
/// takes the scales as an argument and adds after.
class OutputScales {
 public:
  OutputScales(std::vector<float> scales, std::vector<float> bias, std::int64_t groups)
      : scales_(std::move(scales)), bias_(std::move(bias)) {
#if DNNL_VERSION_MAJOR >= 3
    mask_ = groups > 1 ? 3 : 1;
#else
    static_cast<void>(groups);
    for (std::size_t o = 0; o < bias_.size(); ++o) bias_[o] /= scales_[o];
#endif
  }

  void apply_to(dnnl::primitive_attr& attributes) const {
#if DNNL_VERSION_MAJOR >= 3
    attributes.set_scales_mask(DNNL_ARG_WEIGHTS, mask_);
#else
    attributes.set_output_scales(1 << 1, scales_);
#endif
  }

  /// The bias that the convolution is to be given.
  const std::vector<float>& bias() const {
    return bias_;
  }

  /// Appends what the execution needs beyond source, weights, bias and destination. The scales must outlive it.
  void append_to(std::vector<dnnl_exec_arg_t>& arguments, const dnnl::engine& engine) {
#if DNNL_VERSION_MAJOR >= 3
    memory_ = dnnl::memory(
        {{static_cast<dnnl::memory::dim>(scales_.size())}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::x},
        engine, scales_.data());
    arguments.push_back({DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, memory_.get()});
#else
    static_cast<void>(arguments);
    static_cast<void>(engine);
#endif
  }

 private:
  std::vector<float> scales_, bias_;
#if DNNL_VERSION_MAJOR >= 3
  int mask_ = 0;
  dnnl::memory memory_;
#endif
};

/// "2.6.3"
inline std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch);
}

/// The instruction set that oneDNN generates for here: "avx512_core_bf16", "avx2", ...
inline std::string onednn_isa() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "sse4.1";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
    default:
      return "generic";
  }
}

/// Whether convolutions of 8-bit integers run on instructions made for them, which sum exactly: those of older CPUs
/// saturate 16-bit halves.
inline bool has_fast_int8() {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto holds = [isa](dnnl::cpu_isa set) {
    return (isa & static_cast<unsigned>(set)) == static_cast<unsigned>(set);
  };
  return holds(dnnl::cpu_isa::avx512_core_vnni) || holds(dnnl::cpu_isa::avx2_vnni);
}

/// Whether bf16 convolutions run on instructions made for them.
inline bool has_fast_bf16() {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto bf16 = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return (isa & bf16) == bf16;
}

}  // namespace giemsa::cpu
