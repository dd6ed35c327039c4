// The checkers must themselves be able to fail.
#include "tests/ops/compare.h"
#include "tests/ops/guarded.h"

using namespace giemsa::test;

TEST_CASE("a NaN fails a comparison" * doctest::should_fail()) {
  check_close(
      std::vector<float>{NAN}, std::vector<float>{0.0f}, [](std::size_t) { return 1e30; }, "must fail");
}

TEST_CASE("a NaN expected fails a comparison" * doctest::should_fail()) {
  check_equal(std::vector<float>{NAN}, std::vector<float>{NAN}, "must fail");
}

TEST_CASE("a value never written fails a comparison" * doctest::should_fail()) {
  Guarded<float> buffer(3);
  buffer.data()[0] = buffer.data()[2] = 0;
  check_close(
      buffer.values(), std::vector<float>(3), [](std::size_t) { return 1e30; }, "must fail");
}

TEST_CASE("an excess of one unit fails a comparison" * doctest::should_fail()) {
  check_close(
      std::vector<int>{1, 3}, std::vector<int>{1, 1}, [](std::size_t) { return 1.0; }, "must fail");
}

TEST_CASE("a write behind a buffer shows" * doctest::should_fail()) {
  Guarded<int> buffer(3);
  *(buffer.data() + 3) = 0;
}

TEST_CASE("a write before a buffer shows" * doctest::should_fail()) {
  Guarded<int> buffer(3);
  *(buffer.data() - 1) = 0;
}
