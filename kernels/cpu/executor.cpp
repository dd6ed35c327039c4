#include "kernels/cpu/executor.h"

namespace giemsa::kernels::cpu {

namespace {

thread_local Executor* current = nullptr;

}  // namespace

Executor* current_executor() noexcept {
  return current;
}

ExecutorScope::ExecutorScope(Executor* executor) noexcept : before_(current) {
  current = executor;
}

ExecutorScope::~ExecutorScope() {
  current = before_;
}

}  // namespace giemsa::kernels::cpu
