// giemsa_selftest: the engine's models and device, put to the test.
#include "nets/selftest/selftest.h"

#include <chrono>

#include "nets/abi/engine.h"
#include "nets/abi/status.h"

using namespace giemsa;

namespace {

std::uint32_t bit_of(selftest::Check check) {
  static_assert(selftest::check_count == 4);
  switch (check) {
    case selftest::Check::models:
      return GIEMSA_CHECK_MODELS;
    case selftest::Check::known_answer:
      return GIEMSA_CHECK_KNOWN_ANSWER;
    case selftest::Check::repeat:
      return GIEMSA_CHECK_REPEAT;
    case selftest::Check::digest:
      return GIEMSA_CHECK_DIGEST;
  }
  return 0;
}

selftest::Subject subject_of(const abi::Engine& engine, const char* digest) {
  selftest::Subject subject{
      engine.stored, engine.segmenter,    engine.classifier, engine.backend, open_device(engine.options),
      nullptr,       digest ? digest : ""};
  if (engine.backend->precision() == DType::i8)
    subject.fp32 = open_device(
        {.device = "cpu", .precision = "fp32", .threads = engine.options.threads, .executor = engine.options.executor,
                                .memory = engine.options.memory});
  return subject;
}

giemsa_selftest_result result_of(const selftest::Report& report, double ms) {
  giemsa_selftest_result result{};
  for (const selftest::Outcome& outcome : report.outcomes) {
    result.done |= bit_of(outcome.check);
    if (!outcome.failure.empty()) result.failed |= bit_of(outcome.check);
  }
  result.deviation = report.deviation;
  result.allowed_deviation = report.allowed_deviation;
  result.milliseconds = ms;
  report.digest.copy(result.digest, sizeof result.digest - 1);
  return result;
}

}  // namespace

extern "C" {

giemsa_status giemsa_selftest(giemsa_engine* engine, const char* digest, giemsa_selftest_result* result) {
  return abi::guarded(engine && engine->shared->reads_environment, [&] {
    const auto start = std::chrono::steady_clock::now();
    check(engine != nullptr, ErrorKind::usage, "engine is NULL");
    if (result) abi::check_fillable(result, "result");
    const selftest::Report report = selftest::run(subject_of(*engine->shared, digest));
    const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
    if (result) abi::write_struct(result, result_of(report, ms.count()));
    const selftest::Outcome* failed = report.failed();
    return failed ? abi::failed(GIEMSA_E_SELFTEST, cat(name_of(failed->check), ": ", failed->failure)) : GIEMSA_OK;
  });
}

}  // extern "C"
