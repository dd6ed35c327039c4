// Our CPU ops against what Pillow, PyTorch, SciPy and scikit-image made of the same inputs (tools/vision_goldens.py).
#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "engine/cpu/components.h"
#include "engine/cpu/crop_resize.h"
#include "engine/cpu/lrn.h"
#include "engine/cpu/resize.h"
#include "engine/cpu/upsample.h"
#include "tests/ops/compare.h"

using namespace giemsa;
using namespace giemsa::test;
using nlohmann::json;

namespace {

constexpr const char* folder = GIEMSA_SOURCE_DIR "/tests/ops/fixtures/";

class Goldens {
 public:
  Goldens() {
    std::ifstream text(cat(folder, "vision.json")), binary(cat(folder, "vision.bin"), std::ios::binary);
    REQUIRE(text);
    REQUIRE(binary);
    document_ = json::parse(text);
    bytes_.assign(std::istreambuf_iterator<char>(binary), {});
  }

  /// The entries of one op; a test that finds none has lost its goldens.
  std::vector<json> of(const std::string& op) const {
    std::vector<json> found;
    for (const json& entry : document_["entries"])
      if (entry["op"] == op) found.push_back(entry);
    REQUIRE_FALSE(found.empty());
    return found;
  }

  template <class T>
  std::vector<T> array(const json& reference) const {
    std::size_t count = 1;
    for (std::size_t extent : reference["shape"]) count *= extent;
    const std::size_t offset = reference["offset"];
    REQUIRE_LE(offset + count * sizeof(T), bytes_.size());
    std::vector<T> values(count);
    std::memcpy(values.data(), bytes_.data() + offset, count * sizeof(T));
    return values;
  }

 private:
  json document_;
  std::vector<char> bytes_;
};

std::int64_t extent(const json& array, std::size_t axis) {
  return array["shape"][axis];
}
Size2 picture_size(const json& array) {
  return {extent(array, 0), extent(array, 1)};
}
Size2 plane_size(const json& array) {
  return {extent(array, 2), extent(array, 3)};
}

}  // namespace

TEST_CASE("golden: bilinear resize is Pillow's to the byte") {
  const Goldens goldens;
  for (const json& entry : goldens.of("resize")) {
    const Size2 in = picture_size(entry["in"]), out = picture_size(entry["out"]);
    std::vector<std::byte> tables(cpu::resize_plan_bytes(in, out, ResizeFilter::bilinear));
    std::vector<std::byte> scratch(cpu::resize_scratch_bytes(in, out));
    cpu::Scratch memory(tables);
    const cpu::ResizePlan plan = cpu::plan_resize(in, out, ResizeFilter::bilinear, memory);
    std::vector<std::uint8_t> actual(static_cast<std::size_t>(out.h * out.w * 3));
    cpu::resize(plan, goldens.array<std::uint8_t>(entry["in"]).data(), in.w * 3, actual.data(), scratch);
    check_equal(actual, goldens.array<std::uint8_t>(entry["out"]), entry.dump());
  }
}

TEST_CASE("golden: crop and resize are Pillow's to the byte") {
  const Goldens goldens;
  for (const json& entry : goldens.of("crop_resize")) {
    const Size2 frame = picture_size(entry["in"]);
    // A mean of 0 and a deviation of 1 leave level / 255, which rounds back exactly.
    const CropResize op{picture_size(entry["out"]), CropMode::tight, ResizeFilter::bilinear, {0, 0, 0}, {1, 1, 1}};
    const auto box = entry["box"].get<std::array<std::int32_t, 4>>();
    const Box boxes[] = {{box[0], box[1], box[2], box[3]}};
    std::vector<std::byte> scratch(cpu::crop_resize_scratch_bytes(op, frame));
    std::vector<float> actual(static_cast<std::size_t>(op.output.h * op.output.w * 3));
    cpu::crop_resize(op, goldens.array<std::uint8_t>(entry["in"]).data(), frame, boxes, cpu::PixelLayout::interleaved,
                     actual.data(), scratch);
    for (float& value : actual) value = std::round(value * 255.0f);
    check_equal(actual, goldens.array<std::uint8_t>(entry["out"]), entry.dump());
  }
}

TEST_CASE("golden: upsample is PyTorch's interpolate") {
  const Goldens goldens;
  for (const json& entry : goldens.of("upsample")) {
    const Size2 in = plane_size(entry["in"]);
    const Upsample op{plane_size(entry["out"]), entry["align_corners"].get<bool>()};
    const cpu::ChannelLayout layout{extent(entry["in"], 1), 1};
    std::vector<std::byte> scratch(cpu::upsample_scratch_bytes(op, layout));
    const std::vector<float> expected = goldens.array<float>(entry["out"]);
    std::vector<float> actual(expected.size());
    cpu::upsample(op, goldens.array<float>(entry["in"]).data(), in, layout, actual.data(), scratch);
    // As in test_upsample: PyTorch's build contracts the coordinate's arithmetic, ours does not.
    const double coordinate = 3.0 * static_cast<double>(std::max(in.h, in.w));
    check_close(
        actual, expected, [=](std::size_t) { return (2 * 2 * coordinate + 2 * 6) * 3 * 0x1p-24; }, entry.dump());
  }
}

TEST_CASE("golden: lrn is PyTorch's LocalResponseNorm") {
  const Goldens goldens;
  for (const json& entry : goldens.of("lrn")) {
    const Lrn op{entry["size"], entry["alpha"], entry["beta"], entry["k"]};
    const std::vector<float> expected = goldens.array<float>(entry["out"]);
    std::vector<float> actual(expected.size());
    const Size2 plane = plane_size(entry["in"]);
    cpu::lrn(op, goldens.array<float>(entry["in"]).data(), 1, plane.h * plane.w, {extent(entry["in"], 1), 1},
             actual.data());
    // As in test_lrn, for either side.
    const double relative = 2 * (double{op.beta} * static_cast<double>(op.size + 4) + 4) * 0x1p-24;
    check_close(
        actual, expected, [&](std::size_t i) { return relative * std::abs(expected[i]); }, entry.dump());
  }
}

TEST_CASE("golden: holes, opening, labels and regions are SciPy's and scikit-image's") {
  const Goldens goldens;
  for (const json& entry : goldens.of("components")) {
    const Size2 size = picture_size(entry["mask"]);
    const std::int64_t min_area = entry["min_area"], capacity = max_regions(size.h, size.w, min_area);
    const std::vector<std::uint8_t> mask = goldens.array<std::uint8_t>(entry["mask"]);
    std::vector<std::uint8_t> filled(mask.size()), opened(mask.size());
    std::vector<std::int32_t> labels(mask.size());
    std::vector<Region> table(static_cast<std::size_t>(1 + capacity));
    std::vector<std::byte> scratch(cpu::components_scratch_bytes(size));
    cpu::fill_holes(mask.data(), size, filled.data(), scratch);
    check_equal(filled, goldens.array<std::uint8_t>(entry["filled"]), entry["mask"].dump());
    const std::int32_t count = cpu::clean_and_label(mask.data(), size, min_area, labels.data(),
                                                    reinterpret_cast<RegionCount*>(table.data()), capacity, scratch);
    cpu::area_open(filled.data(), size, min_area, opened.data(), scratch);
    check_equal(opened, goldens.array<std::uint8_t>(entry["opened"]), entry["mask"].dump());
    check_equal(labels, goldens.array<std::uint8_t>(entry["labels"]), entry["mask"].dump());
    REQUIRE_EQ(static_cast<std::size_t>(count), entry["regions"].size());
    for (std::size_t i = 0; i < entry["regions"].size(); ++i) {
      const auto r = entry["regions"][i].get<std::array<std::int32_t, 7>>();
      CHECK_EQ(table[i + 1], Region{r[0], r[1], r[2], r[3], r[4], 0, r[5], r[6]});
    }
  }
}
