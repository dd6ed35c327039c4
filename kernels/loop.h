// How a kernel keeps a loop of a CUDA graph going.
#pragma once

#include "kernels/batches.h"
#include "kernels/types.h"

namespace giemsa::kernels {

/// cudaGraphConditionalHandle: what a graph's conditional node looks at.
using Condition = unsigned long long;

/// Sets `condition` to whether more than `more_than` regions are left to take. Needs a driver with conditional nodes;
/// apart from the other kernels, so that these load on any driver.
void loop_while_left(Condition condition, const BatchCursor* cursor, int more_than, Stream stream);

}  // namespace giemsa::kernels
