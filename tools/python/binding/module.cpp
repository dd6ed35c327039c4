// The Python module giemsa._giemsa: engine/giemsa.h with exceptions, and numpy arrays for what it writes. What people
// call is written in Python, in ../giemsa; what it relies on here, _giemsa.pyi lists.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "tools/python/binding/session.h"
#include "tools/python/binding/status.h"

namespace nb = nanobind;
using namespace nb::literals;
using giemsa::python::Engine;
using giemsa::python::Session;

NB_MODULE(_giemsa, module) {
  giemsa::python::translate_failures();
  module.attr("version") = giemsa_version();
  module.def("devices", &giemsa::python::devices);

  nb::class_<Engine>(module, "Engine")
      .def(nb::init<nb::handle, nb::handle, const char*, const std::string&, std::uint32_t, nb::handle,
                    nb::handle>(),
           "segmenter"_a.none(), "classifier"_a.none(), "device"_a, "precision"_a, "threads"_a, "tuning"_a.none(),
           "profile"_a.none())
      .def_prop_ro("class_names", &Engine::class_names)
      .def_prop_ro("device", &Engine::device)
      .def_prop_ro("precision", &Engine::precision)
      .def_prop_ro("provenance", &Engine::provenance)
      .def_prop_ro("memory", &Engine::memory)
      .def("selftest", &Engine::selftest, "digest"_a.none());

  nb::class_<Session>(module, "Session")
      .def(nb::init<const Engine&, std::int64_t, float, std::int32_t, std::int32_t, const std::string&, float,
                    const std::string&>(),
           "engine"_a, "min_area"_a, "threshold"_a, "segment_width"_a, "segment_height"_a, "crop"_a, "min_probability"_a,
           "split"_a)
      .def("prepare", &Session::prepare, "width"_a, "height"_a)
      .def("identify", &Session::identify, "pixels"_a, "format"_a)
      .def("classify", &Session::classify, "pixels"_a, "format"_a, "boxes"_a)
      .def("cancel", &Session::cancel);
}
