// The one place that sees oneDNN: what differs between its 2.x and 3.x APIs, and nothing more.
#pragma once

#include <array>
#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>

namespace giemsa::cpu {

struct ConvolutionSpec {
  dnnl::memory::desc src, weights, bias, dst;
  dnnl::memory::dims strides, dilations, padding;  ///< dilations as oneDNN counts them: 0 is dense
};

/// A forward-inference convolution. Throws dnnl::error where oneDNN has no implementation.
inline dnnl::convolution_forward::primitive_desc convolution(const dnnl::engine& engine, const ConvolutionSpec& spec,
                                                             const dnnl::primitive_attr& attributes) {
  const auto kind = dnnl::prop_kind::forward_inference;
  const auto algorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine,   kind,         algorithm,      spec.src,     spec.weights, spec.bias,
          spec.dst, spec.strides, spec.dilations, spec.padding, spec.padding, attributes};
#else
  return {dnnl::convolution_forward::desc(kind, algorithm, spec.src, spec.weights, spec.bias, spec.dst, spec.strides,
                                          spec.dilations, spec.padding, spec.padding),
          attributes, engine};
#endif
}

/// dst = relu(convolution + bias [+ dst]); scratch memory comes from the caller.
inline dnnl::primitive_attr convolution_attributes(bool add_to_dst, bool relu) {
  dnnl::post_ops post;
  if (add_to_dst) post.append_sum(1.0f);
#if DNNL_VERSION_MAJOR >= 3
  if (relu) post.append_eltwise(dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
#else
  if (relu) post.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
#endif
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(post);
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

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

/// Whether bf16 convolutions run on instructions made for them.
inline bool has_fast_bf16() {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto bf16 = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return (isa & bf16) == bf16;
}

}  // namespace giemsa::cpu
