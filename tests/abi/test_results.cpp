// What the C functions give: the C++ engine's results, whatever the pixels' format.
#include <omp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "engine/device.h"
#include "nets/laboratory_profile.h"
#include "nets/smear.h"
#include "tests/abi/support.h"
#include "tests/temporary_folder.h"

namespace giemsa::test {

TEST_CASE("a region of the class `other` is no white cell, and below min_probability a cell is unsure") {
  Model classifier = load_model(classifier_file);
  const auto found_with = [&](float min_probability) {
    SmearOptions options;
    options.min_probability = min_probability;
    Smear with(load_model(segmenter_file), classifier, options, open_device({.device = "cpu"}));
    SmearResult result;
    with.identify(smear(), result);
    return result.cells;
  };
  const std::vector<Cell> cells = found_with(0);
  REQUIRE(cells.size() >= 2);
  for (const Cell& cell : cells) CHECK(cell.finding == Finding::named);

  // The class of the first cell is called other; of the rest, the least certain is unsure.
  const int other = cells.front().class_index;
  classifier.info.classes[static_cast<std::size_t>(other)] = other_class;
  double least = 1;
  for (const Cell& cell : cells)
    if (cell.class_index != other) least = std::min(least, probability_of(cell));
  const float limit = std::nextafter(static_cast<float>(least), 1.0f);
  std::size_t unsure = 0;
  for (const Cell& cell : found_with(limit)) {
    const bool below = probability_of(cell) < limit;
    const auto& name = classifier.info.classes[static_cast<std::size_t>(cell.class_index)];
    if (cell.class_index == other)
      CHECK(cell.finding == Finding::other);
    else
      CHECK(cell.finding == (below ? Finding::unsure : Finding::named));
    CHECK(name_of(cell, classifier.info.classes) == (cell.finding == Finding::unsure ? unsure_name : name));
    unsure += cell.finding == Finding::unsure;
  }
  CHECK(unsure >= 1);

  giemsa_session_options options;
  GIEMSA_INIT(options);
  options.min_probability = 1;
  Session session;
  REQUIRE(giemsa_session_open(shared_engine(), &options, &session.handle) == GIEMSA_OK);
  for (const giemsa_cell& cell : identify(session.handle, image_of(smear())))
    CHECK(((cell.flags & GIEMSA_CELL_UNSURE) != 0) == (cell.probability < 1));
}

TEST_CASE("giemsa_identify gives what the C++ engine gives") {
  Smear smear_in_cpp(load_model(segmenter_file), load_model(classifier_file), {}, open_device({.device = "cpu"}));
  SmearResult expected;
  smear_in_cpp.identify(smear(), expected);
  REQUIRE(expected.cells.size() >= 2);

  Session session;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &session.handle) == GIEMSA_OK);
  REQUIRE(giemsa_session_prepare(session.handle, 720, 576) == GIEMSA_OK);
  const auto cells = identify(session.handle, image_of(smear()));
  REQUIRE(cells.size() == expected.cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Cell& cell = expected.cells[i];
    CHECK(cells[i].id == static_cast<std::uint32_t>(cell.id));
    CHECK(cells[i].class_index == cell.class_index);
    CHECK(std::array{cells[i].x, cells[i].y, cells[i].width, cells[i].height} ==
          std::array{cell.x, cell.y, cell.w, cell.h});
    CHECK(cells[i].area == cell.area);
    CHECK(cells[i].centroid_x == cell.centroid_x);
    CHECK(cells[i].centroid_y == cell.centroid_y);
    const float* probabilities = giemsa_session_probabilities(session.handle, i);
    REQUIRE(probabilities);
    CHECK(std::vector<float>(probabilities, probabilities + giemsa_engine_class_count(shared_engine())) ==
          cell.probabilities);
    CHECK(cells[i].probability == probabilities[cells[i].class_index]);
    const bool at_edge =
        cell.x == 0 || cell.y == 0 || cell.x + cell.w == smear().width || cell.y + cell.h == smear().height;
    CHECK(cell.at_edge == at_edge);
    CHECK(cells[i].flags == (at_edge ? GIEMSA_CELL_AT_EDGE : 0));
  }
  CHECK(giemsa_session_probabilities(session.handle, cells.size()) == nullptr);

  Labels labels(smear().width, smear().height);
  REQUIRE(giemsa_session_copy_labels(session.handle, labels.pixels.data(), 0) == GIEMSA_OK);
  CHECK(labels.pixels == expected.labels.pixels);
  Labels flipped(smear().width, smear().height);
  const std::ptrdiff_t row = smear().width * 2;
  REQUIRE(giemsa_session_copy_labels(session.handle, &flipped.at(0, smear().height - 1), -row) == GIEMSA_OK);
  for (int y = 0; y < smear().height; ++y)
    REQUIRE(std::memcmp(&flipped.at(0, y), &labels.at(0, smear().height - 1 - y), static_cast<std::size_t>(row)) == 0);

  giemsa_times times;
  GIEMSA_INIT(times);
  REQUIRE(giemsa_session_times(session.handle, &times) == GIEMSA_OK);
  CHECK(times.segment > 0);
  CHECK(times.classify > 0);
  CHECK(times.convert == 0);
  CHECK(times.total >= times.segment + times.postprocess + times.classify);
}

TEST_CASE("an array that is too small gets the first cells, and the number of all") {
  Session session;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &session.handle) == GIEMSA_OK);
  const giemsa_image image = image_of(smear());
  const auto all = identify(session.handle, image);
  REQUIRE(all.size() >= 2);
  giemsa_cell cells[2];
  std::memset(cells, 0x5a, sizeof cells);
  const giemsa_cell untouched = cells[1];
  std::size_t found = 0;
  CHECK(giemsa_identify(session.handle, &image, cells, 1, &found) == GIEMSA_MORE_CELLS);
  CHECK(found == all.size());
  CHECK(same(cells[0], all[0]));
  CHECK(std::memcmp(&cells[1], &untouched, sizeof untouched) == 0);
  std::vector<giemsa_cell> room(all.size() + 3);
  CHECK(giemsa_identify(session.handle, &image, room.data(), room.size(), &found) == GIEMSA_OK);
  room.resize(found);
  CHECK(same(room, all));
}

TEST_CASE("every format, stride and direction of rows is read as the same picture") {
  Session session;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &session.handle) == GIEMSA_OK);
  const Frame& frame = smear();
  const auto expected = identify(session.handle, image_of(frame));

  struct Format {
    giemsa_format format;
    int bytes;
    std::array<int, 3> at;  // of red, green, blue
    bool wide;
  };
  for (const Format& format : {Format{GIEMSA_RGB8, 3, {0, 1, 2}, false}, Format{GIEMSA_BGR8, 3, {2, 1, 0}, false},
                               Format{GIEMSA_RGBX8, 4, {0, 1, 2}, false}, Format{GIEMSA_BGRX8, 4, {2, 1, 0}, false},
                               Format{GIEMSA_RGB16, 6, {0, 2, 4}, true}}) {
    for (const bool bottom_up : {false, true}) {
      CAPTURE(format.format);
      CAPTURE(bottom_up);
      const std::ptrdiff_t stride = frame.width * format.bytes + 13;
      std::vector<std::uint8_t> memory(static_cast<std::size_t>(stride * frame.height), 0xee);
      for (int y = 0; y < frame.height; ++y) {
        for (int x = 0; x < frame.width; ++x) {
          std::uint8_t* pixel =
              memory.data() + (bottom_up ? frame.height - 1 - y : y) * stride + std::ptrdiff_t{x} * format.bytes;
          for (int c = 0; c < 3; ++c) {
            const std::uint8_t value = frame.at(x, y)[c];
            const auto wide = static_cast<std::uint16_t>(value * 257);
            if (format.wide)
              std::memcpy(pixel + format.at[static_cast<std::size_t>(c)], &wide, 2);
            else
              pixel[format.at[static_cast<std::size_t>(c)]] = value;
          }
        }
      }
      giemsa_image image = image_of(frame);
      image.format = format.format;
      image.stride = bottom_up ? -stride : stride;
      image.pixels = bottom_up ? memory.data() + (frame.height - 1) * stride : memory.data();
      CHECK(same(identify(session.handle, image), expected));
    }
  }
}

TEST_CASE("grey pictures are read as equal red, green and blue") {
  Session session;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &session.handle) == GIEMSA_OK);
  const Frame& frame = smear();
  Frame grey(frame.width, frame.height);
  std::vector<std::uint8_t> narrow;
  std::vector<std::uint16_t> wide;
  for (std::size_t i = 0; i < frame.rgb.size(); i += 3) {
    const std::uint8_t value = frame.rgb[i + 1];
    std::memset(&grey.rgb[i], value, 3);
    narrow.push_back(value);
    wide.push_back(static_cast<std::uint16_t>(value * 257 + 100));  // rounds to the same
  }
  const auto expected = identify(session.handle, image_of(grey));
  REQUIRE(!expected.empty());
  giemsa_image image = image_of(grey);
  image.format = GIEMSA_GREY8;
  image.pixels = narrow.data();
  CHECK(same(identify(session.handle, image), expected));
  image.format = GIEMSA_GREY16;
  image.pixels = wide.data();
  CHECK(same(identify(session.handle, image), expected));
}

TEST_CASE("either network may be absent") {
  Session whole;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &whole.handle) == GIEMSA_OK);
  const giemsa_image image = image_of(smear());
  const auto expected = identify(whole.handle, image);
  const std::uint32_t classes = giemsa_engine_class_count(shared_engine());

  SUBCASE("without a classifier cells have no class") {
    const giemsa_engine_options options = cpu_options(true, false);
    Engine engine;
    REQUIRE(giemsa_engine_open(&options, &engine.handle) == GIEMSA_OK);
    CHECK(giemsa_engine_class_count(engine.handle) == 0);
    CHECK(giemsa_engine_class_name(engine.handle, 0) == nullptr);
    Session session;
    REQUIRE(giemsa_session_open(engine.handle, nullptr, &session.handle) == GIEMSA_OK);
    REQUIRE(giemsa_session_prepare(session.handle, 720, 576) == GIEMSA_OK);
    const auto cells = identify(session.handle, image);
    REQUIRE(cells.size() == expected.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      CHECK(cells[i].area == expected[i].area);
      CHECK(cells[i].class_index == -1);
      CHECK(cells[i].probability == 0);
      CHECK(giemsa_session_probabilities(session.handle, i) == nullptr);
    }
    const std::int32_t box[1][4] = {{0, 0, 10, 10}};
    float values[5];
    CHECK(giemsa_classify(session.handle, &image, box, 1, values, 5) == GIEMSA_E_ARGUMENT);
    CHECK(message().find("no classifier") != std::string::npos);
  }

  SUBCASE("without a segmenter given boxes are named") {
    const giemsa_engine_options options = cpu_options(false, true);
    Engine engine;
    REQUIRE(giemsa_engine_open(&options, &engine.handle) == GIEMSA_OK);
    Session session;
    REQUIRE(giemsa_session_open(engine.handle, nullptr, &session.handle) == GIEMSA_OK);
    std::size_t found = 7;
    CHECK(giemsa_identify(session.handle, &image, nullptr, 0, &found) == GIEMSA_E_ARGUMENT);
    CHECK(message().find("no segmenter") != std::string::npos);
    CHECK(found == 7);
    std::vector<std::array<std::int32_t, 4>> boxes;
    for (int i = 0; i < 7; ++i)  // batches of 4 and 1
      for (const giemsa_cell& cell : expected) boxes.push_back({cell.x, cell.y, cell.width, cell.height});
    boxes.resize(std::min<std::size_t>(boxes.size(), 7));
    std::vector<float> values(boxes.size() * classes);
    const auto* rows = reinterpret_cast<const std::int32_t(*)[4]>(boxes.data());
    REQUIRE(giemsa_classify(session.handle, &image, rows, boxes.size(), values.data(), values.size()) == GIEMSA_OK);
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      const std::size_t cell = i % expected.size();
      const float* given = giemsa_session_probabilities(whole.handle, cell);
      for (std::uint32_t c = 0; c < classes; ++c)
        CHECK(values[i * classes + c] == doctest::Approx(given[c]).epsilon(1e-4));
    }
  }
}

TEST_CASE("models in memory serve as files do, copied or borrowed") {
  const FileBytes segmenter = map_file(segmenter_file), classifier = map_file(classifier_file);
  Session reference;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &reference.handle) == GIEMSA_OK);
  const auto expected = identify(reference.handle, image_of(smear()));
  for (const std::uint32_t flags : {0u, std::uint32_t{GIEMSA_BORROW}}) {
    giemsa_engine_options options = cpu_options(false, false);
    options.segmenter.data = segmenter.bytes.data();
    options.segmenter.size = segmenter.bytes.size();
    options.classifier.data = classifier.bytes.data();
    options.classifier.size = classifier.bytes.size();
    options.segmenter.flags = options.classifier.flags = flags;
    Session session;
    {
      Engine engine;
      REQUIRE_MESSAGE(giemsa_engine_open(&options, &engine.handle) == GIEMSA_OK, message());
      REQUIRE(giemsa_session_open(engine.handle, nullptr, &session.handle) == GIEMSA_OK);
    }  // a session outlives its engine
    CHECK(same(identify(session.handle, image_of(smear())), expected));
  }
}

TEST_CASE("threads with a session each share an engine") {
  Session alone;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &alone.handle) == GIEMSA_OK);
  const auto expected = identify(alone.handle, image_of(smear()));
  std::array<std::vector<giemsa_cell>, 3> results;
  std::vector<std::thread> threads;
  for (auto& result : results)
    threads.emplace_back([&result] {
      giemsa_session* session = nullptr;
      if (giemsa_session_open(shared_engine(), nullptr, &session) != GIEMSA_OK) return;
      const giemsa_image image = image_of(smear());
      result.resize(64);
      std::size_t found = 0;
      for (int i = 0; i < 2; ++i)
        if (giemsa_identify(session, &image, result.data(), result.size(), &found) != GIEMSA_OK) found = 0;
      result.resize(found);
      giemsa_session_close(session);
    });
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) CHECK(same(result, expected));
}

TEST_CASE("a cell's outline is closed and encloses its pixels") {
  Session session;
  REQUIRE(giemsa_session_open(shared_engine(), nullptr, &session.handle) == GIEMSA_OK);
  const auto cells = identify(session.handle, image_of(smear()));
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::size_t count = 0;
    CHECK(giemsa_session_copy_outline(session.handle, i, nullptr, 0, &count) == GIEMSA_MORE_CELLS);
    std::vector<std::array<std::int32_t, 2>> corners(count);
    auto* to = reinterpret_cast<std::int32_t(*)[2]>(corners.data());
    REQUIRE(giemsa_session_copy_outline(session.handle, i, to, corners.size(), &count) == GIEMSA_OK);
    REQUIRE(corners.size() >= 5);
    CHECK(corners.front() == corners.back());
    double area = 0;
    for (std::size_t k = 0; k + 1 < corners.size(); ++k)
      area += (corners[k][0] * corners[k + 1][1] - corners[k + 1][0] * corners[k][1]) / 2.0;
    CHECK(std::abs(area) == doctest::Approx(static_cast<double>(cells[i].area)).epsilon(0.02));
  }
  std::size_t count = 99;
  CHECK(giemsa_session_copy_outline(session.handle, cells.size(), nullptr, 0, &count) == GIEMSA_E_ARGUMENT);
  CHECK(count == 99);
}

TEST_CASE("the host's settings stay: OpenMP's threads, the environment") {
  const int before = omp_get_max_threads();
  omp_set_num_threads(3);
  const TemporaryFolder folder;  // a name of its own: tests of two builds may run at once
  const std::filesystem::path dump = folder / "dump";
  setenv("GIEMSA_DUMP", dump.c_str(), 1);
  {
    giemsa_engine_options options = cpu_options();
    options.threads = 1;
    Engine engine;
    REQUIRE(giemsa_engine_open(&options, &engine.handle) == GIEMSA_OK);
    Session session;
    REQUIRE(giemsa_session_open(engine.handle, nullptr, &session.handle) == GIEMSA_OK);
    identify(session.handle, image_of(smear()));
    CHECK(omp_get_max_threads() == 3);
    CHECK(!std::filesystem::exists(dump));
  }
  {
    giemsa_engine_options options = cpu_options(false, true);
    options.flags = GIEMSA_FLAG_ENVIRONMENT;
    Engine engine;
    REQUIRE(giemsa_engine_open(&options, &engine.handle) == GIEMSA_OK);
    Session session;
    REQUIRE(giemsa_session_open(engine.handle, nullptr, &session.handle) == GIEMSA_OK);
    const giemsa_image image = image_of(smear());
    const std::int32_t box[1][4] = {{0, 0, 100, 100}};
    std::vector<float> values(giemsa_engine_class_count(engine.handle));
    REQUIRE(giemsa_classify(session.handle, &image, box, 1, values.data(), values.size()) == GIEMSA_OK);
    CHECK(std::filesystem::exists(dump / "crops.npy"));
  }
  unsetenv("GIEMSA_DUMP");
  omp_set_num_threads(before);
}

TEST_CASE("an engine says what it is") {
  giemsa_engine* engine = shared_engine();
  CHECK(std::string(giemsa_engine_device(engine)).starts_with("cpu (oneDNN "));
  CHECK(giemsa_engine_precision(engine) == GIEMSA_FP32);
  CHECK(giemsa_engine_class_count(engine) == 6);
  CHECK(std::string(giemsa_engine_class_name(engine, 5)) == other_class);
  const std::string provenance = giemsa_engine_provenance(engine);
  CHECK(provenance.find("\"sha256\":\"") != std::string::npos);
  CHECK(provenance.find("\"arch\":\"alexnet\"") != std::string::npos);
  CHECK(giemsa_version_number() == GIEMSA_VERSION_NUMBER);
  CHECK(std::string(giemsa_version()).starts_with("0.1.0 (oneDNN "));
}

TEST_CASE("a laboratory's profile: cells are named by its last layer, and the audit trail says so") {
  const Model classifier = load_model(classifier_file);
  LaboratoryProfile profile{last_layer_mark(classifier), classifier.info.classes, last_layer_of(classifier), "", {}};
  std::vector<float> bias(profile.layer.bias.as<float>().begin(), profile.layer.bias.as<float>().end());
  bias[1] += 100;  // whatever a cell looks like
  profile.layer.bias = Tensor::from(profile.layer.bias.shape(), bias);
  const TemporaryFolder folder;
  const std::string file = folder.file("lab.json", profile_text(profile));

  giemsa_engine_options options = cpu_options();
  options.profile_path = file.c_str();
  Engine engine;
  REQUIRE_MESSAGE(giemsa_engine_open(&options, &engine.handle) == GIEMSA_OK, giemsa_last_message());
  CHECK(std::string(giemsa_engine_provenance(engine.handle)).find("\"profile\":{\"file\":\"" + file) != std::string::npos);
  Session session;
  REQUIRE(giemsa_session_open(engine.handle, nullptr, &session.handle) == GIEMSA_OK);
  const auto cells = identify(session.handle, image_of(smear()));
  CHECK_FALSE(cells.empty());
  for (const giemsa_cell& cell : cells) CHECK(cell.class_index == 1);

  Engine other;
  options = cpu_options(true, false);
  options.profile_path = file.c_str();
  CHECK(giemsa_engine_open(&options, &other.handle) == GIEMSA_E_ARGUMENT);
  CHECK(std::string(giemsa_last_message()).find("there is no classifier to adapt") != std::string::npos);
  options = cpu_options();
  options.profile_path = segmenter_file.c_str();
  CHECK(giemsa_engine_open(&options, &other.handle) == GIEMSA_E_ARGUMENT);
  CHECK(std::string(giemsa_last_message()).find("is not JSON") != std::string::npos);
  CHECK(other.handle == nullptr);
}

}  // namespace giemsa::test
