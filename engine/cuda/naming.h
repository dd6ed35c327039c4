// What kernels' launchers throw, as the engine's errors.
#pragma once

#include <stdexcept>
#include <string_view>

#include "engine/base/check.h"

namespace giemsa::cuda {

/// Runs `work`; the Error that it ends with, if any, begins with `what`. A launch that CUDA refuses is Error(device), a
/// launcher's precondition that does not hold Error(internal).
template <class Work>
void naming(std::string_view what, const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    fail(error.kind(), what, ": ", error.what());
  } catch (const std::invalid_argument& error) {
    fail(ErrorKind::internal, what, ": ", error.what());
  } catch (const std::runtime_error& error) {
    fail(ErrorKind::device, what, ": ", error.what());
  }
}

}  // namespace giemsa::cuda
