// How the emulator reports a defect of a kernel or of its launch.
#pragma once

#include <stdexcept>

namespace giemsa::simt {

/// Thrown by launch(). The message says which thread of which block did what. The kernel was stopped there; memory
/// holds what had been written until then.
class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace giemsa::simt
