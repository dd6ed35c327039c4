#include "kernels/loop.h"

#include "kernels/device.h"

namespace giemsa::kernels {

namespace {

// One thread.
__global__ void loop_while_left_kernel(Condition condition, const BatchCursor* cursor, int more_than) {
  wait_for_previous_kernel();
  set_condition(condition, cursor->count - cursor->next > more_than);
}

}  // namespace

void loop_while_left(Condition condition, const BatchCursor* cursor, int more_than, Stream stream) {
  launch(loop_while_left_kernel, {.stream = stream}, condition, cursor, more_than);
}

}  // namespace giemsa::kernels
