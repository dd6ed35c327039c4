// The self-test's known answer, by kernels that have nothing in common with those that it was first computed with.
#include <doctest/doctest.h>

#include "engine/cuda/backend.h"
#include "nets/selftest/selftest.h"

namespace giemsa {

TEST_CASE("the self-test finds its known answer in fp32 and fp16") {
  for (const DType precision : {DType::f32, DType::f16}) {
    CAPTURE(name_of(precision));
    CudaOptions options;
    options.precision = precision;
    selftest::Report report;
    CHECK(selftest::check_known_answer(make_cuda_backend(options), nullptr, report) == "");
    CHECK(report.deviation <= report.allowed_deviation / 2);
    MESSAGE(name_of(precision), ": deviation ", report.deviation);
  }
}

}  // namespace giemsa
