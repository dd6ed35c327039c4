// Max pooling with indices, and max unpooling, on the CPU.
#include "engine/cpu/session.h"
#include "kernels/cpu/layers/max_unpool.h"

namespace giemsa::cpu {

Step step_of(StepBuilder& b, const MaxPoolIndices& op) {
  const kernels::MaxUnpoolParams params{extent_of(op.kernel), extent_of(op.stride)};
  return {{}, [src = b.input(), dst = b.output(0), taps = b.output(1), params] {
            kernels::max_pool_indices(view_of(*dst), taps->as<std::uint8_t>(), view_of(*src), params);
          }};
}

Step step_of(StepBuilder& b, const MaxUnpool& op) {
  const kernels::MaxUnpoolParams params{extent_of(op.kernel), extent_of(op.stride)};
  return {{}, [src = b.input(0), taps = b.input(1), dst = b.output(), params] {
            kernels::max_unpool(view_of(*dst), view_of(*src), taps->as<std::uint8_t>(), params);
          }};
}

}  // namespace giemsa::cpu
