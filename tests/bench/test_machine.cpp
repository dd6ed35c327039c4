// What machines tell, read from texts as they write them.
#include <doctest/doctest.h>
#include <unistd.h>

#include "tools/bench/machine.h"

using namespace giemsa::bench;

TEST_CASE("machine: ticks of /proc/stat") {
  const auto ticks = parse_cpu_ticks("cpu  100 20 30 400 50 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n");
  REQUIRE(ticks);
  CHECK(ticks->busy == 100 + 20 + 30 + 6 + 7 + 8);  // guests are part of user and nice
  CHECK(ticks->idle == 450);
  for (const char* text : {"", "cpu 1 2 3", "intr 1 2 3 4 5 6 7 8 9", "cpu a b c d e f g h"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_cpu_ticks(text));
  }
}

TEST_CASE("machine: clocks of /proc/cpuinfo") {
  const auto mhz =
      parse_core_mhz("processor\t: 0\ncpu MHz\t\t: 2600.123\nflags\t: fpu\n\ncpu MHz\t\t: 3100\ncpu MHz : ?\n");
  CHECK(mhz == std::vector<double>{2600.123, 3100});
  CHECK(parse_core_mhz("").empty());
}

TEST_CASE("machine: GPUs of nvidia-smi") {
  const auto gpus = parse_gpu_states(
      "0, NVIDIA H200, 550.54.15, 1980, 1980, 3201, 41, 118.25, 0x0000000000000001\n"
      "1, NVIDIA H200, 550.54.15, [N/A], 1980, 3201, 41, [N/A], 0x0000000000000000\n"
      "No devices were found\n");
  REQUIRE(gpus.size() == 2);
  CHECK(gpus[0].name == "NVIDIA H200");
  CHECK(gpus[0].driver == "550.54.15");
  CHECK(gpus[0].sm_mhz == 1980);
  CHECK(gpus[0].watts == 118.25);
  CHECK(gpus[0].throttle == "0x0000000000000001");
  CHECK(gpus[1].index == 1);
  CHECK_FALSE(gpus[1].sm_mhz);
  CHECK(gpus[1].temperature == 41);
}

TEST_CASE("machine: others' work is all work but ours") {
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  MachineState before, after;
  before.seconds = 10;
  after.seconds = 12;
  CHECK_FALSE(cores_busy_with_others(before, after));  // no /proc/stat
  before.cpu = CpuTicks{100 * ticks, 0};
  after.cpu = CpuTicks{105 * ticks, 0};
  before.own_cpu_seconds = 1;
  after.own_cpu_seconds = 3;
  CHECK(*cores_busy_with_others(before, after) == doctest::Approx((5 - 2) / 2.0));
  after.own_cpu_seconds = 7;  // counted more finely than the ticks
  CHECK(*cores_busy_with_others(before, after) == 0);
  CHECK_FALSE(cores_busy_with_others(before, before));
}

TEST_CASE("machine: this one tells of itself") {
  CHECK(machine_facts().cores >= 1);
  CHECK(peak_resident_bytes() > 1e6);
  CHECK(observe_machine(false).own_cpu_seconds > 0);
}
