// How the C functions refuse: the right status, a line that says why, outputs as they were, and the next call works.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "tests/abi/support.h"
#include "weights/mapped_file.h"

namespace giemsa::test {

namespace {

/// Opens an engine with options changed by `change`; it has to be refused with `status`, and `what` in the message.
template <class Change>
void check_open_refused(giemsa_status status, const char* what, Change&& change) {
  giemsa_engine_options options = cpu_options();
  change(options);
  auto* const before = reinterpret_cast<giemsa_engine*>(&options);
  giemsa_engine* engine = before;
  CHECK(giemsa_engine_open(&options, &engine) == status);
  CHECK(engine == before);
  CHECK_MESSAGE(message().find(what) != std::string::npos, "expected '", what, "', got '", message(), "'");
}

template <class Change>
void check_session_refused(const char* what, Change&& change) {
  giemsa_session_options options;
  GIEMSA_INIT(options);
  change(options);
  auto* const before = reinterpret_cast<giemsa_session*>(&options);
  giemsa_session* session = before;
  CHECK(giemsa_session_open(shared_engine(), &options, &session) == GIEMSA_E_ARGUMENT);
  CHECK(session == before);
  CHECK_MESSAGE(message().find(what) != std::string::npos, "expected '", what, "', got '", message(), "'");
}

}  // namespace

TEST_CASE("engines that cannot be are refused when they are opened") {
  using Options = giemsa_engine_options;
  check_open_refused(GIEMSA_E_ARGUMENT, "struct_size is 0", [](Options& o) { o.struct_size = 0; });
  check_open_refused(GIEMSA_E_ARGUMENT, "options.flags", [](Options& o) { o.flags = 1u << 20; });
  check_open_refused(GIEMSA_E_ARGUMENT, "none of giemsa_precision",
                     [](Options& o) { o.precision = static_cast<giemsa_precision>(3); });
  check_open_refused(GIEMSA_E_ARGUMENT, "'tpu'", [](Options& o) { o.device = "tpu"; });
  check_open_refused(GIEMSA_E_ARGUMENT, "fp32, bf16 or int8", [](Options& o) { o.precision = GIEMSA_FP16; });
  check_open_refused(GIEMSA_E_ARGUMENT, "options.threads", [](Options& o) { o.threads = 100000; });
  check_open_refused(GIEMSA_E_ARGUMENT, "neither", [](Options& o) { o.segmenter.path = o.classifier.path = nullptr; });
  check_open_refused(GIEMSA_E_ARGUMENT, "both a path and memory", [](Options& o) { o.segmenter.data = &o; });
  check_open_refused(GIEMSA_E_MODEL, "/nowhere.safetensors: cannot be opened",
                     [](Options& o) { o.segmenter.path = "/nowhere.safetensors"; });
  check_open_refused(GIEMSA_E_MODEL, "expected a segmenter", [](Options& o) { o.segmenter = o.classifier; });
  check_open_refused(GIEMSA_E_MODEL, "expected a classifier", [](Options& o) { o.classifier = o.segmenter; });
  CHECK(giemsa_engine_open(nullptr, nullptr) == GIEMSA_E_ARGUMENT);
  giemsa_engine_close(nullptr);
}

TEST_CASE("a damaged model is noticed when it is opened") {
  const FileBytes file = map_file(classifier_file);
  std::vector<std::byte> bytes(file.bytes.begin(), file.bytes.end());
  const auto open_with = [&](std::size_t size) {
    return [&, size](giemsa_engine_options& options) {
      options.classifier.path = nullptr;
      options.classifier.data = bytes.data();
      options.classifier.size = size;
    };
  };
  bytes[bytes.size() - 100] ^= std::byte{1};
  check_open_refused(GIEMSA_E_MODEL, "classifier (in memory)", open_with(bytes.size()));
  check_open_refused(GIEMSA_E_MODEL, "classifier (in memory)", open_with(bytes.size() / 2));
  check_open_refused(GIEMSA_E_MODEL, "classifier (in memory)", open_with(0));
}

TEST_CASE("structs of other versions: unknown members are refused unless they are zero, missing ones are defaults") {
  struct Newer {
    giemsa_engine_options known;
    std::uint64_t added;
  } newer{cpu_options(), 0};
  newer.known.struct_size = sizeof newer;
  Engine engine;
  CHECK(giemsa_engine_open(&newer.known, &engine.handle) == GIEMSA_OK);
  newer.added = 1;
  giemsa_engine* refused = nullptr;
  CHECK(giemsa_engine_open(&newer.known, &refused) == GIEMSA_E_ARGUMENT);
  CHECK(message().find("does not know") != std::string::npos);

  giemsa_session_options older;
  std::memset(&older, 0xff, sizeof older);  // what an older program's stack happens to hold behind its struct
  older.crop = GIEMSA_CROP_TIGHT;
  older.struct_size = 8;
  Session session;
  CHECK(giemsa_session_open(engine.handle, &older, &session.handle) == GIEMSA_OK);
}

TEST_CASE("sessions that cannot be are refused") {
  using Options = giemsa_session_options;
  check_session_refused("threshold", [](Options& o) { o.threshold = 1; });
  check_session_refused("threshold", [](Options& o) { o.threshold = -0.5f; });
  check_session_refused("min_area", [](Options& o) { o.min_area = -2; });
  check_session_refused("min_probability", [](Options& o) { o.min_probability = 1.5f; });
  check_session_refused("segment size", [](Options& o) { o.segment_height = 100; });
  check_session_refused("multiple", [](Options& o) { o.segment_width = o.segment_height = 33; });
  check_session_refused("split", [](Options& o) { o.split = static_cast<giemsa_split>(3); });
  check_session_refused("crop", [](Options& o) { o.crop = static_cast<giemsa_crop>(7); });
  giemsa_session* session = nullptr;
  Options by_centres;
  GIEMSA_INIT(by_centres);
  by_centres.split = GIEMSA_SPLIT_CENTRE;
  CHECK(giemsa_session_open(shared_engine(), &by_centres, &session) == GIEMSA_E_MODEL);
  CHECK(message().find("has no centre head") != std::string::npos);
  CHECK(session == nullptr);
  CHECK(giemsa_session_open(nullptr, nullptr, &session) == GIEMSA_E_ARGUMENT);
  CHECK(giemsa_session_open(shared_engine(), nullptr, nullptr) == GIEMSA_E_ARGUMENT);
  giemsa_session_close(nullptr);
}

TEST_CASE("images that cannot be used leave everything as it was") {
  Session session;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &session.handle) == GIEMSA_OK);
  const giemsa_image good = image_of(smear());
  const auto expected = identify(session.handle, good);
  const auto check_refused = [&](giemsa_status status, auto&& change) {
    giemsa_image image = good;
    change(image);
    giemsa_cell cell;
    std::memset(&cell, 0x33, sizeof cell);
    const giemsa_cell before = cell;
    std::size_t found = 12345;
    CHECK(giemsa_identify(session.handle, &image, &cell, 1, &found) == status);
    CHECK(found == 12345);
    CHECK(std::memcmp(&cell, &before, sizeof cell) == 0);
    std::size_t count = 0;
    const giemsa_cell* kept = giemsa_session_cells(session.handle, &count);
    CHECK(same(std::vector<giemsa_cell>(kept, kept + count), expected));
  };
  check_refused(GIEMSA_E_ARGUMENT, [](giemsa_image& i) { i.struct_size = 3; });
  check_refused(GIEMSA_E_ARGUMENT, [](giemsa_image& i) { i.pixels = nullptr; });
  check_refused(GIEMSA_E_ARGUMENT, [](giemsa_image& i) { i.format = static_cast<giemsa_format>(0); });
  check_refused(GIEMSA_E_ARGUMENT, [](giemsa_image& i) { i.stride = 100; });
  check_refused(GIEMSA_E_ARGUMENT, [](giemsa_image& i) { i.stride = -100; });
  check_refused(GIEMSA_E_IMAGE, [](giemsa_image& i) { i.width = 0; });
  check_refused(GIEMSA_E_IMAGE, [](giemsa_image& i) { i.width = i.height = 0xffffffffu; });
  std::size_t found = 0;
  CHECK(giemsa_identify(session.handle, nullptr, nullptr, 0, &found) == GIEMSA_E_ARGUMENT);
  CHECK(giemsa_identify(session.handle, &good, nullptr, 1, &found) == GIEMSA_E_ARGUMENT);
  CHECK(giemsa_identify(session.handle, &good, nullptr, 0, nullptr) == GIEMSA_E_ARGUMENT);
  CHECK(giemsa_identify(nullptr, &good, nullptr, 0, &found) == GIEMSA_E_ARGUMENT);
  CHECK(same(identify(session.handle, good), expected));
}

TEST_CASE("boxes outside the image are refused") {
  Session session;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &session.handle) == GIEMSA_OK);
  const giemsa_image image = image_of(smear());
  for (const std::array<std::int32_t, 4>& box : {std::array{-1, 0, 5, 5},
                                                 {0, 0, 0, 5},
                                                 {716, 0, 5, 5},
                                                 {0, 572, 5, 5},
                                                 {0, 0, 0x7fffffff, 0x7fffffff},
                                                 {0x7fffffff, 0, 0x7fffffff, 1}}) {
    float values[6] = {9, 9, 9, 9, 9, 9};
    const std::int32_t boxes[1][4] = {{box[0], box[1], box[2], box[3]}};
    CHECK(giemsa_classify(session.handle, &image, boxes, 1, values, 6) == GIEMSA_E_ARGUMENT);
    CHECK(values[0] == 9);
  }
  CHECK(giemsa_classify(session.handle, &image, nullptr, 0, nullptr, 0) == GIEMSA_OK);
}

TEST_CASE("an image in a GPU's memory is refused where the CPU computes, unread") {
  Session session;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &session.handle) == GIEMSA_OK);
  giemsa_image image = image_of(smear());
  image.pixels = &image;  // far too small to be read
  const auto refusal = [&] {
    std::size_t found = 7;
    CHECK(giemsa_identify(session.handle, &image, nullptr, 0, &found) == GIEMSA_E_ARGUMENT);
    CHECK(found == 7);
    return std::string(giemsa_last_message());
  };
  image.memory = GIEMSA_CUDA;
  CHECK(refusal() == "a frame in a GPU's memory is read where that GPU segments and classifies, and nowhere else");
  image.format = GIEMSA_BGR8;
  CHECK(refusal() == "an image in a GPU's memory must be GIEMSA_RGB8 with a positive stride");
  image.format = GIEMSA_RGB8;
  image.stride = -std::ptrdiff_t{3} * image.width;
  CHECK(refusal() == "an image in a GPU's memory must be GIEMSA_RGB8 with a positive stride");
  image.memory = static_cast<giemsa_device_kind>(3);
  CHECK(refusal() == "image.memory is 3, none of giemsa_device_kind");

  image = image_of(smear());
  image.memory = GIEMSA_CUDA;
  const std::int32_t box[1][4] = {{0, 0, 9, 9}};
  float values[6];
  CHECK(giemsa_classify(session.handle, &image, box, 1, values, 6) == GIEMSA_E_ARGUMENT);
  CHECK(std::string(giemsa_last_message()) == "the image has to lie in the host's memory");
}

TEST_CASE("probabilities that do not fit are refused") {
  Session session;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &session.handle) == GIEMSA_OK);
  const giemsa_image image = image_of(smear());
  const std::int32_t boxes[2][4] = {{0, 0, 50, 50}, {9, 9, 50, 50}};
  float values[13];
  std::ranges::fill(values, 9.0f);
  for (const std::size_t capacity : {0, 5, 11}) {
    CHECK(giemsa_classify(session.handle, &image, boxes, 2, values, capacity) == GIEMSA_E_ARGUMENT);
    CHECK(std::string(giemsa_last_message()) ==
          "probabilities has room for " + std::to_string(capacity) + " values, 2 boxes have 6 each");
    CHECK(values[0] == 9);
  }
  CHECK(giemsa_classify(session.handle, &image, boxes, SIZE_MAX / 2, values, 12) == GIEMSA_E_ARGUMENT);
  CHECK(giemsa_classify(session.handle, &image, boxes, 2, values, 12) == GIEMSA_OK);
  CHECK(values[11] != 9);
  CHECK(values[12] == 9);
}

TEST_CASE("too many cells are a status of that image alone") {
  giemsa_session_options options;
  GIEMSA_INIT(options);
  options.max_cells = 1;
  Session session;
  REQUIRE(giemsa_session_open(shared_engine(), &options, &session.handle) == GIEMSA_OK);
  const giemsa_image image = image_of(smear());
  std::size_t found = 5;
  CHECK(giemsa_identify(session.handle, &image, nullptr, 0, &found) == GIEMSA_E_IMAGE);
  CHECK(found == 5);
  CHECK(giemsa_session_cells(session.handle, &found) == nullptr);
  CHECK(found == 0);
  Frame background(64, 64);
  std::memset(background.rgb.data(), 235, background.rgb.size());
  CHECK(identify(session.handle, image_of(background)).empty());
}

TEST_CASE("an image under way is cancelled from another thread, and the next one is right") {
  Session session;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &session.handle) == GIEMSA_OK);
  const giemsa_image image = image_of(smear());
  const auto expected = identify(session.handle, image);
  giemsa_session_cancel(session.handle);  // none is under way
  CHECK(same(identify(session.handle, image), expected));

  std::atomic<bool> done = false;
  std::thread canceller([&] {
    while (!done) {
      giemsa_session_cancel(session.handle);
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  });
  std::size_t found = 77;
  const giemsa_status status = giemsa_identify(session.handle, &image, nullptr, 0, &found);
  done = true;
  canceller.join();
  CHECK(status == GIEMSA_E_CANCELLED);
  CHECK(found == 77);
  CHECK(same(identify(session.handle, image), expected));
  giemsa_session_cancel(nullptr);
}

TEST_CASE("results before the first image, and names of statuses") {
  Session session;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &session.handle) == GIEMSA_OK);
  std::size_t count = 3;
  CHECK(giemsa_session_cells(session.handle, &count) == nullptr);
  CHECK(count == 0);
  std::uint16_t label = 9;
  CHECK(giemsa_session_copy_labels(session.handle, &label, 0) == GIEMSA_E_ARGUMENT);
  CHECK(label == 9);
  giemsa_times times;
  GIEMSA_INIT(times);
  CHECK(giemsa_session_times(session.handle, &times) == GIEMSA_E_ARGUMENT);
  CHECK(std::string(giemsa_status_name(GIEMSA_E_MODEL)) == "GIEMSA_E_MODEL");
  CHECK(std::string(giemsa_status_name(static_cast<giemsa_status>(-55))) == "unknown status");
}

TEST_CASE("messages are one line, and long ones end at a whole character") {
  std::string path = "/nowhere/";
  for (int i = 0; i < 800; ++i) path += "\xc3\xa9";
  giemsa_engine_options options = cpu_options();
  options.segmenter.path = path.c_str();
  giemsa_engine* engine = nullptr;
  CHECK(giemsa_engine_open(&options, &engine) == GIEMSA_E_MODEL);
  const std::string text = message();
  CHECK(text.size() <= 1023);
  CHECK(text.size() >= 1020);
  CHECK(text.find('\n') == std::string::npos);
  CHECK(text.back() == '\xa9');
}

}  // namespace giemsa::test
