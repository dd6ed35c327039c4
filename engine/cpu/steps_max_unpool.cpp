// Max pooling with indices, and max unpooling, on the CPU.
#include "engine/cpu/max_unpool.h"
#include "engine/cpu/session.h"

namespace giemsa::cpu {

Step step_of(StepBuilder& b, const MaxPoolIndices& op) {
  return {{}, [src = b.input(), dst = b.output(0), taps = b.output(1), op] {
            max_pool_indices(view_of(*dst), taps->as<std::uint8_t>(), view_of(*src), op);
          }};
}

Step step_of(StepBuilder& b, const MaxUnpool& op) {
  return {{}, [src = b.input(0), taps = b.input(1), dst = b.output(), op] {
            max_unpool(view_of(*dst), view_of(*src), taps->as<std::uint8_t>(), op);
          }};
}

}  // namespace giemsa::cpu
