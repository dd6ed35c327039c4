// A giemsa_status as a C++ exception, which becomes one of the classes in giemsa/errors.py.
#pragma once

#include <giemsa.h>

#include <string>

namespace giemsa::python {

struct Failure {
  std::string status, message;
};

/// Throws Failure with the library's message where `status` is a failure. Call it on the thread that got the status.
void check(giemsa_status status);

/// Throws Failure(GIEMSA_E_ARGUMENT).
[[noreturn]] void refuse(std::string message);

/// Registers the translation of Failure to Python's exceptions.
void translate_failures();

}  // namespace giemsa::python
