// Max pooling with indices, and max unpooling, on the GPU.
#include "engine/cuda/steps.h"
#include "kernels/max_unpool.h"

namespace giemsa::cuda {

namespace {

/// `op` is either of the two: they describe the same windows.
template <class Op>
kernels::MaxUnpoolParams params_of(const Op& op, const Buffer& full, const Buffer& pooled, const Buffer& in,
                                   const Buffer& out) {
  return {.images = narrow(full.shape[0]),
          .channels = narrow(full.channels()),
          .full = plane_of(full),
          .pooled = plane_of(pooled),
          .kernel = extent_of(op.kernel),
          .stride = extent_of(op.stride),
          .input_pixel_stride = narrow(in.pixel_stride),
          .output_pixel_stride = narrow(out.pixel_stride)};
}

}  // namespace

Step step_of(StepBuilder& b, const MaxPoolIndices& op) {
  const Buffer *in = b.input(), *out = b.output(0), *taps = b.output(1);
  return with_type(in->dtype, [&]<class T>() -> Step {
    return [=, params = params_of(op, *in, *out, *in, *out)](Stream stream) {
      kernels::max_pool_indices(out->as<T>(), taps->as<std::uint8_t>(), in->as<T>(), params, stream);
    };
  });
}

Step step_of(StepBuilder& b, const MaxUnpool& op) {
  const Buffer *in = b.input(0), *taps = b.input(1), *out = b.output();
  return with_type(in->dtype, [&]<class T>() -> Step {
    return [=, params = params_of(op, *out, *in, *in, *out)](Stream stream) {
      kernels::max_unpool(out->as<T>(), in->as<T>(), taps->as<std::uint8_t>(), params, stream);
    };
  });
}

}  // namespace giemsa::cuda
