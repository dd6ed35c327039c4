// What engine and sessions hold, and that frame sizes which have gone hold nothing.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include "tests/abi/support.h"

namespace giemsa::test {

namespace {

giemsa_memory of(const giemsa_engine* engine) {
  giemsa_memory memory;
  GIEMSA_INIT(memory);
  REQUIRE(giemsa_engine_memory(engine, &memory) == GIEMSA_OK);
  return memory;
}

giemsa_memory of(const giemsa_session* session) {
  giemsa_memory memory;
  GIEMSA_INIT(memory);
  REQUIRE(giemsa_session_memory(session, &memory) == GIEMSA_OK);
  return memory;
}

/// What the process occupies, in bytes, by the system's own account.
std::int64_t resident() {
  std::ifstream in("/proc/self/statm");
  std::int64_t all = 0, pages = 0;
  in >> all >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool counts_resident = false;  // sanitizers keep what is freed
#else
constexpr bool counts_resident = true;
#endif

bool same(const giemsa_memory& a, const giemsa_memory& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

/// An engine of its own, for other tests' sessions would count.
struct Opened {
  Engine engine;
  Opened() {
    giemsa_engine_options options = cpu_options();
    options.threads = 1;
    REQUIRE(giemsa_engine_open(&options, &engine.handle) == GIEMSA_OK);
  }
};

}  // namespace

TEST_CASE("an engine holds models; sessions add weights and activations, and take them along") {
  const Opened opened;
  giemsa_engine* engine = opened.engine.handle;
  const giemsa_memory bare = of(engine);
  CHECK(bare.sessions == 0);
  CHECK(bare.host_models == std::filesystem::file_size(segmenter_file) + std::filesystem::file_size(classifier_file));
  CHECK(bare.host_weights == 0);
  CHECK(bare.host_activations == 0);
  CHECK(bare.device_weights + bare.device_activations == 0);

  giemsa_memory packed;
  {
    Session session;
    REQUIRE(giemsa_session_open(engine, nullptr, &session.handle) == GIEMSA_OK);
    CHECK(of(session.handle).compiled_sizes == 0);
    REQUIRE(giemsa_session_prepare(session.handle, 96, 80) == GIEMSA_OK);
    packed = of(engine);
    CHECK(packed.sessions == 1);
    CHECK(packed.compiled_sizes == 1);
    CHECK(packed.host_weights > 10'000'000);
    CHECK(packed.host_activations > 1'000'000);
    CHECK(packed.host_activations == of(session.handle).host_activations);
    CHECK(of(session.handle).host_weights == 0);
    CHECK(of(session.handle).sessions == 1);

    Session second;
    REQUIRE(giemsa_session_open(engine, nullptr, &second.handle) == GIEMSA_OK);
    REQUIRE(giemsa_session_prepare(second.handle, 96, 80) == GIEMSA_OK);
    const giemsa_memory both = of(engine);
    CHECK(both.sessions == 2);
    CHECK(both.host_weights == packed.host_weights);  // shared
    CHECK(both.host_activations == 2 * packed.host_activations);
  }
  const giemsa_memory after = of(engine);
  CHECK(after.sessions == 0);
  CHECK(after.host_activations == 0);
  CHECK(after.host_results == 0);
  CHECK(after.compiled_sizes == 0);
  CHECK(after.host_weights == packed.host_weights);  // for the next session
}

TEST_CASE("frame sizes that go give back activations and what was packed for them alone") {
  const Opened opened;
  giemsa_session_options options;
  GIEMSA_INIT(options);
  options.max_sizes = 2;
  Session session;
  REQUIRE(giemsa_session_open(opened.engine.handle, &options, &session.handle) == GIEMSA_OK);
  // Sizes at which oneDNN asks for different layouts of the same weights.
  constexpr std::array<std::array<std::uint32_t, 2>, 7> sizes{
      {{32, 32}, {64, 48}, {160, 120}, {320, 240}, {96, 400}, {480, 64}, {640, 480}}};
  std::array<giemsa_memory, 3> rounds;
  std::array<std::int64_t, 3> occupied;
  std::uint64_t most = 0;
  for (giemsa_memory& round : rounds) {
    for (const auto& [width, height] : sizes) {
      REQUIRE(giemsa_session_prepare(session.handle, width, height) == GIEMSA_OK);
      most = std::max(most, of(opened.engine.handle).host_weights);
    }
    round = of(opened.engine.handle);
    occupied[static_cast<std::size_t>(&round - rounds.data())] = resident();
    CHECK(round.compiled_sizes == 2);
  }
  CHECK(same(rounds[1], rounds[0]));
  CHECK(same(rounds[2], rounds[0]));

  // One size alone needs nearly as many weights as were ever held: they do not add up over sizes.
  const Opened fresh;
  Session one;
  REQUIRE(giemsa_session_open(fresh.engine.handle, nullptr, &one.handle) == GIEMSA_OK);
  REQUIRE(giemsa_session_prepare(one.handle, 640, 480) == GIEMSA_OK);
  const std::uint64_t least = of(fresh.engine.handle).host_weights;
  MESSAGE("weights: one size ", least, ", at most ", most, ", after rounds ", rounds[2].host_weights);
  CHECK(rounds[2].host_weights >= least);
  CHECK(most < 3 * least);

  const auto held = static_cast<std::int64_t>(of(session.handle).host_activations);
  const std::int64_t before = resident();
  giemsa_session_close(session.handle);
  session.handle = nullptr;
  const std::int64_t freed = before - resident();
  const std::uint64_t kept = of(opened.engine.handle).host_weights;
  MESSAGE("weights kept for the next session: ", kept);
  CHECK(kept >= least / 2);
  CHECK(kept <= least + least / 4);  // a form or two of each layer, of the many that there were

  // The system has back what was given up. oneDNN keeps the code that it generated, some hundred kilobytes a size.
  MESSAGE("resident after each round, MB: ", occupied[0] >> 20, ", ", occupied[1] >> 20, ", ",
          occupied[2] >> 20);
  constexpr std::int64_t slack = 16 << 20;
  if (!counts_resident) return;
  CHECK(occupied[2] < occupied[0] + slack);
  CHECK(freed > held - slack);
}

TEST_CASE("a session's results count, and a self-test leaves nothing behind") {
  const Opened opened;
  Session session;
  REQUIRE(giemsa_session_open(opened.engine.handle, nullptr, &session.handle) == GIEMSA_OK);
  REQUIRE(!identify(session.handle, image_of(smear())).empty());
  const giemsa_memory before = of(opened.engine.handle);
  CHECK(before.host_results >= smear().rgb.size() / 3 * 2);  // the label image
  identify(session.handle, image_of(smear()));
  identify(session.handle, image_of(smear()));
  const giemsa_memory steady = of(opened.engine.handle);
  identify(session.handle, image_of(smear()));
  CHECK(same(of(opened.engine.handle), steady));

  REQUIRE_MESSAGE(giemsa_selftest(opened.engine.handle, nullptr, nullptr) == GIEMSA_OK, message());
  giemsa_memory after = of(opened.engine.handle);
  CHECK(after.host_activations == steady.host_activations);
  CHECK(after.sessions == 1);
  // The self-test's frame size may have left one form of a layer more.
  CHECK(after.host_weights <= 2 * steady.host_weights);
}

TEST_CASE("memory and devices refuse what they cannot fill") {
  giemsa_memory memory;
  GIEMSA_INIT(memory);
  CHECK(giemsa_engine_memory(nullptr, &memory) == GIEMSA_E_ARGUMENT);
  CHECK(giemsa_engine_memory(shared_engine(), nullptr) == GIEMSA_E_ARGUMENT);
  CHECK(giemsa_session_memory(nullptr, &memory) == GIEMSA_E_ARGUMENT);
  memory.struct_size = 0;
  CHECK(giemsa_engine_memory(shared_engine(), &memory) == GIEMSA_E_ARGUMENT);

  giemsa_device_info info;
  GIEMSA_INIT(info);
  CHECK(giemsa_device_describe(giemsa_device_count(), &info) == GIEMSA_E_ARGUMENT);
  CHECK(giemsa_device_describe(0, nullptr) == GIEMSA_E_ARGUMENT);
}

TEST_CASE("the CPU is device 0, and whatever cannot be used says why") {
  REQUIRE(giemsa_device_count() >= 2);
  for (std::uint32_t i = 0; i < giemsa_device_count(); ++i) {
    giemsa_device_info info;
    GIEMSA_INIT(info);
    REQUIRE(giemsa_device_describe(i, &info) == GIEMSA_OK);
    const std::string selector = info.selector;
    CHECK((info.kind == GIEMSA_CPU) == (i == 0));
    if (i == 0) {
      CHECK(selector == "cpu");
      CHECK((info.precisions & GIEMSA_FP32) != 0);
      CHECK(info.memory_bytes > 0);
      CHECK(std::string(info.unusable).empty());
    } else {
      CHECK(selector.starts_with("cuda"));
      giemsa_engine_options options = cpu_options();
      options.device = selector.c_str();
      Engine engine;
      const giemsa_status status = giemsa_engine_open(&options, &engine.handle);
      CHECK(status == (info.unusable[0] == '\0' ? GIEMSA_OK : GIEMSA_E_DEVICE));
    }
  }
}

}  // namespace giemsa::test
