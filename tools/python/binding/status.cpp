#include "tools/python/binding/status.h"

#include <nanobind/nanobind.h>

#include <utility>

namespace nb = nanobind;

namespace giemsa::python {

void check(giemsa_status status) {
  if (status < 0) throw Failure{giemsa_status_name(status), giemsa_last_message()};
}

void refuse(std::string message) {
  throw Failure{giemsa_status_name(GIEMSA_E_ARGUMENT), std::move(message)};
}

void translate_failures() {
  nb::register_exception_translator([](const std::exception_ptr& exception, void*) {
    try {
      std::rethrow_exception(exception);
    } catch (const Failure& failure) {
      const nb::object error =
          nb::module_::import_("giemsa.errors").attr("error_of")(failure.status.c_str(), failure.message.c_str());
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
    }
  });
}

}  // namespace giemsa::python
