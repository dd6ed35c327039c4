// One fiber per thread of a block, each with a stack of its own, and a scheduler that they all return to.
#pragma once

#include <cstddef>

namespace giemsa::simt {

inline constexpr int max_fibers = 1024;  // threads of a block, at most

/// Makes fiber `i` start `entry` when next resumed, whatever it was doing. `entry` ends by suspending for good.
void reset_fiber(int i, void (*entry)());

/// From the scheduler: runs fiber `i` until it suspends itself.
void resume_fiber(int i);

/// From a fiber: back to the scheduler.
void suspend_fiber();

/// Whether an address lies on one of the fibers' stacks.
bool on_fiber_stacks(const void* address);

/// After fibers were abandoned halfway: their stack frames are no more.
void forget_stack_frames();

}  // namespace giemsa::simt
