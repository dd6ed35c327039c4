// giemsa_selftest: right statuses, and that a model whose bytes change in memory is noticed.
#include <cstddef>
#include <cstring>

#include "tests/abi/support.h"
#include "weights/mapped_file.h"

namespace giemsa::test {

namespace {

giemsa_selftest_result fresh_result() {
  giemsa_selftest_result result;
  GIEMSA_INIT(result);
  return result;
}

}  // namespace

TEST_CASE("a sound engine passes, with the same digest on any number of threads") {
  giemsa_selftest_result first = fresh_result();
  REQUIRE_MESSAGE(giemsa_selftest(shared_engine(), nullptr, &first) == GIEMSA_OK, message());
  CHECK(first.done == (GIEMSA_CHECK_MODELS | GIEMSA_CHECK_KNOWN_ANSWER | GIEMSA_CHECK_REPEAT));
  CHECK(first.failed == 0);
  CHECK(first.deviation <= first.allowed_deviation);
  CHECK(first.allowed_deviation > 0);
  CHECK(std::strlen(first.digest) == 64);
  CHECK(first.milliseconds > 0);
  CHECK(giemsa_selftest(shared_engine(), first.digest, nullptr) == GIEMSA_OK);

  giemsa_engine_options options = cpu_options();
  options.threads = 1;
  Engine engine;
  REQUIRE(giemsa_engine_open(&options, &engine.handle) == GIEMSA_OK);
  giemsa_selftest_result alone = fresh_result();
  CHECK_MESSAGE(giemsa_selftest(engine.handle, first.digest, &alone) == GIEMSA_OK, message());
  CHECK((alone.done & GIEMSA_CHECK_DIGEST) != 0);
}

TEST_CASE("another digest than before fails, and the result says so") {
  giemsa_selftest_result result = fresh_result();
  const std::string other(64, '0');
  CHECK(giemsa_selftest(shared_engine(), other.c_str(), &result) == GIEMSA_E_SELFTEST);
  CHECK(result.failed == GIEMSA_CHECK_DIGEST);
  CHECK(std::strlen(result.digest) == 64);
  CHECK(message().find("expected digest") == 0);
  CHECK(std::string(giemsa_status_name(GIEMSA_E_SELFTEST)) == "GIEMSA_E_SELFTEST");
}

TEST_CASE("a model that changes in memory after it was opened is noticed") {
  const FileBytes file = map_file(classifier_file);
  std::vector<std::byte> bytes(file.bytes.begin(), file.bytes.end());
  giemsa_engine_options options = cpu_options(false, false);
  options.classifier.data = bytes.data();
  options.classifier.size = bytes.size();
  options.classifier.flags = GIEMSA_BORROW;
  Engine engine;
  REQUIRE(giemsa_engine_open(&options, &engine.handle) == GIEMSA_OK);
  giemsa_selftest_result result = fresh_result();
  CHECK_MESSAGE(giemsa_selftest(engine.handle, nullptr, &result) == GIEMSA_OK, message());

  bytes[bytes.size() / 2] ^= std::byte{1};
  CHECK(giemsa_selftest(engine.handle, nullptr, &result) == GIEMSA_E_SELFTEST);
  CHECK((result.failed & GIEMSA_CHECK_MODELS) != 0);
  CHECK(message().find("classifier (in memory): its bytes have changed") != std::string::npos);
  bytes[bytes.size() / 2] ^= std::byte{1};
  CHECK(giemsa_selftest(engine.handle, nullptr, &result) == GIEMSA_OK);
}

TEST_CASE("what giemsa_selftest cannot work with leaves the result as it was") {
  CHECK(giemsa_selftest(nullptr, nullptr, nullptr) == GIEMSA_E_ARGUMENT);
  giemsa_selftest_result result;
  std::memset(&result, 0x5a, sizeof result);
  result.struct_size = 4;
  const giemsa_selftest_result before = result;
  CHECK(giemsa_selftest(shared_engine(), nullptr, &result) == GIEMSA_E_ARGUMENT);
  CHECK(std::memcmp(&result, &before, sizeof result) == 0);
}

TEST_CASE("an older program's result gets the members that it knows") {
  giemsa_selftest_result result;
  std::memset(&result, 0x5a, sizeof result);
  result.struct_size = offsetof(giemsa_selftest_result, deviation);
  CHECK(giemsa_selftest(shared_engine(), nullptr, &result) == GIEMSA_OK);
  CHECK(result.struct_size == offsetof(giemsa_selftest_result, deviation));
  CHECK(result.failed == 0);
  CHECK(result.digest[0] == 0x5a);
}

}  // namespace giemsa::test
