// What the tests of the C functions share.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "engine/giemsa.h"
#include "tests/abi/image.h"
#include "tools/image_io/decode.h"

namespace giemsa::test {

inline const std::filesystem::path source = GIEMSA_SOURCE_DIR;
inline const std::string segmenter_file = source / "weights/pretrained/deeplabv3plus_resnet50_wbc.safetensors";
inline const std::string classifier_file = source / "weights/pretrained/alexnet_wbc.safetensors";

/// The synthetic smear that comes with the project.
inline const Frame& smear() {
  static const Frame frame = decode_image(source / "tools/samples/images/smear-0375.png");
  return frame;
}

/// Handles that close themselves.
struct Engine {
  giemsa_engine* handle = nullptr;
  ~Engine() { giemsa_engine_close(handle); }
};
struct Session {
  giemsa_session* handle = nullptr;
  ~Session() { giemsa_session_close(handle); }
};

inline giemsa_engine_options cpu_options(bool segmenter = true, bool classifier = true) {
  giemsa_engine_options options;
  GIEMSA_INIT(options);
  options.device = "cpu";
  if (segmenter) options.segmenter.path = segmenter_file.c_str();
  if (classifier) options.classifier.path = classifier_file.c_str();
  return options;
}

/// One engine for all tests that only use it.
inline giemsa_engine* shared_engine() {
  static Engine engine;
  if (!engine.handle) {
    const giemsa_engine_options options = cpu_options();
    REQUIRE_MESSAGE(giemsa_engine_open(&options, &engine.handle) == GIEMSA_OK, giemsa_last_message());
  }
  return engine.handle;
}

/// All cells of `image`.
inline std::vector<giemsa_cell> identify(giemsa_session* session, const giemsa_image& image) {
  std::size_t count = 0;
  const giemsa_status status = giemsa_identify(session, &image, nullptr, 0, &count);
  REQUIRE_MESSAGE(status >= 0, giemsa_last_message());
  CHECK(status == (count > 0 ? GIEMSA_MORE_CELLS : GIEMSA_OK));
  const giemsa_cell* cells = giemsa_session_cells(session, &count);
  return {cells, cells + count};
}

inline bool same(const giemsa_cell& a, const giemsa_cell& b) {
  return a.id == b.id && a.class_index == b.class_index && a.probability == b.probability && a.flags == b.flags &&
         a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height && a.area == b.area &&
         a.centroid_x == b.centroid_x && a.centroid_y == b.centroid_y;
}

inline bool same(const std::vector<giemsa_cell>& a, const std::vector<giemsa_cell>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same(a[i], b[i])) return false;
  return true;
}

inline std::string message() {
  return giemsa_last_message();
}

}  // namespace giemsa::test
