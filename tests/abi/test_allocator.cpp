// The host's memory: what is taken comes back, and where there is none, nothing is lost but the call.
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>

#include "tests/abi/support.h"

namespace giemsa::test {

namespace {

/// A host that lends at most `limit` bytes, and keeps account.
struct Lender {
  std::size_t limit = SIZE_MAX;
  std::mutex mutex;
  std::map<void*, std::size_t> lent;
  std::size_t bytes = 0, most = 0, refusals = 0;
  bool sound = true;  // every block came back once, with its size

  static void* allocate(void* user, std::size_t wanted, std::size_t alignment) {
    Lender& lender = *static_cast<Lender*>(user);
    const std::lock_guard lock(lender.mutex);
    const bool asks_rightly = alignment <= (2 << 20) && (alignment & (alignment - 1)) == 0 && wanted % alignment == 0;
    lender.sound = lender.sound && asks_rightly;
    if (wanted > lender.limit - std::min(lender.limit, lender.bytes)) {
      ++lender.refusals;
      return nullptr;
    }
    void* memory = std::aligned_alloc(alignment, wanted);
    lender.lent[memory] = wanted;
    lender.bytes += wanted;
    lender.most = std::max(lender.most, lender.bytes);
    return memory;
  }

  static void release(void* user, void* memory, std::size_t size) {
    Lender& lender = *static_cast<Lender*>(user);
    const std::lock_guard lock(lender.mutex);
    const auto found = lender.lent.find(memory);
    lender.sound = lender.sound && found != lender.lent.end() && found->second == size;
    if (found == lender.lent.end()) return;
    lender.bytes -= found->second;
    lender.lent.erase(found);
    std::free(memory);
  }

  giemsa_allocator allocator() {
    giemsa_allocator out;
    GIEMSA_INIT(out);
    out.user = this;
    out.allocate = allocate;
    out.release = release;
    return out;
  }
};

void open(Engine& engine, const giemsa_allocator& allocator) {
  giemsa_engine_options options = cpu_options();
  options.allocator = &allocator;
  REQUIRE_MESSAGE(giemsa_engine_open(&options, &engine.handle) == GIEMSA_OK, giemsa_last_message());
}

}  // namespace

TEST_CASE("activations and packed weights lie in the host's memory, and come back") {
  Session own;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &own.handle) == GIEMSA_OK);
  const auto expected = identify(own.handle, image_of(smear()));
  Lender lender;
  {
    Engine engine;
    open(engine, lender.allocator());
    Session session;
    REQUIRE(giemsa_session_open(engine.handle, nullptr, &session.handle) == GIEMSA_OK);
    const auto cells = identify(session.handle, image_of(smear()));
    CHECK(same(cells, expected));
    giemsa_memory memory;
    GIEMSA_INIT(memory);
    REQUIRE(giemsa_session_memory(session.handle, &memory) == GIEMSA_OK);
    CHECK(lender.bytes > memory.host_activations);

    const std::size_t warm = lender.bytes;
    for (int i = 0; i < 3; ++i) identify(session.handle, image_of(smear()));
    CHECK(lender.bytes == warm);
    CHECK(lender.most == warm);
  }
  CHECK(lender.bytes == 0);
  CHECK(lender.sound);
}

TEST_CASE("a host without memory is told so, and once it has some the same session goes on") {
  Lender lender;
  std::size_t needed;
  {
    Engine engine;
    open(engine, lender.allocator());
    Session session;
    REQUIRE(giemsa_session_open(engine.handle, nullptr, &session.handle) == GIEMSA_OK);
    identify(session.handle, image_of(smear()));
    needed = lender.most;
  }
  Engine engine;
  open(engine, lender.allocator());
  Session session;
  REQUIRE(giemsa_session_open(engine.handle, nullptr, &session.handle) == GIEMSA_OK);
  const giemsa_image image = image_of(smear());
  for (const std::size_t limit : {std::size_t{0}, needed / 3, needed - 1}) {
    lender.limit = limit;
    std::size_t found = 7;
    CHECK(giemsa_identify(session.handle, &image, nullptr, 0, &found) == GIEMSA_E_MEMORY);
    CHECK(found == 7);
    CHECK(std::string(giemsa_last_message()).starts_with("out of memory: "));
  }
  CHECK(lender.refusals >= 3);
  lender.limit = needed;
  CHECK(!identify(session.handle, image).empty());
  CHECK(lender.sound);
}

TEST_CASE("an allocator that lacks a function is refused") {
  Lender lender;
  giemsa_allocator allocator = lender.allocator();
  allocator.release = nullptr;
  giemsa_engine_options options = cpu_options();
  options.allocator = &allocator;
  giemsa_engine* engine = nullptr;
  CHECK(giemsa_engine_open(&options, &engine) == GIEMSA_E_ARGUMENT);
  CHECK(std::string(giemsa_last_message()) == "options.allocator has no release");
}

}  // namespace giemsa::test
