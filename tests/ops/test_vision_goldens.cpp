// Our CPU ops against what Pillow, PyTorch, SciPy and scikit-image made of the same inputs (tools/vision_goldens.py).
#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "kernels/cpu/layers/lrn.h"
#include "kernels/cpu/layers/upsample.h"
#include "tests/ops/compare.h"
#include "tests/ops/cpu_kernels.h"

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
    const cpu::Extent in = cpu_extent(picture_size(entry["in"])), out = cpu_extent(picture_size(entry["out"]));
    std::vector<std::byte> tables(cpu::resize_plan_bytes(in, out, cpu::ResizeFilter::bilinear));
    std::vector<std::byte> scratch(cpu::resize_scratch_bytes(in, out));
    cpu::Scratch memory(tables);
    const cpu::ResizePlan plan = cpu::plan_resize(in, out, cpu::ResizeFilter::bilinear, memory);
    std::vector<std::uint8_t> actual(static_cast<std::size_t>(out.h * out.w * 3));
    cpu::resize(plan, goldens.array<std::uint8_t>(entry["in"]).data(), in.w * 3, actual.data(), scratch);
    check_equal(actual, goldens.array<std::uint8_t>(entry["out"]), entry.dump());
  }
}

TEST_CASE("golden: crop and resize are Pillow's to the byte") {
  const Goldens goldens;
  for (const json& entry : goldens.of("crop_resize")) {
    const cpu::Extent frame = cpu_extent(picture_size(entry["in"]));
    // A mean of 0 and a deviation of 1 leave level / 255, which rounds back exactly.
    const cpu::CropResizeParams params{cpu_extent(picture_size(entry["out"]))};
    const auto box = entry["box"].get<std::array<std::int32_t, 4>>();
    const cpu::Box boxes[] = {{box[0], box[1], box[2], box[3]}};
    std::vector<std::byte> scratch(cpu::crop_resize_scratch_bytes(params, frame));
    std::vector<float> actual(static_cast<std::size_t>(params.output.h * params.output.w * 3));
    cpu::crop_resize(params, goldens.array<std::uint8_t>(entry["in"]).data(), frame, boxes,
                     actual.data(), scratch);
    for (float& value : actual) value = std::round(value * 255.0f);
    check_equal(actual, goldens.array<std::uint8_t>(entry["out"]), entry.dump());
  }
}

TEST_CASE("golden: upsample is PyTorch's interpolate") {
  const Goldens goldens;
  for (const json& entry : goldens.of("upsample")) {
    // Channels in planes: to the kernel, each is a map of its own.
    const Size2 in = plane_size(entry["in"]), out = plane_size(entry["out"]);
    const std::int64_t channels = extent(entry["in"], 1);
    std::vector<float> source = goldens.array<float>(entry["in"]);
    std::vector<std::byte> scratch(cpu::upsample_scratch_bytes(out.w, 1));
    const std::vector<float> expected = goldens.array<float>(entry["out"]);
    std::vector<float> actual(expected.size());
    const auto view = [&](std::vector<float>& values, Size2 size) {
      return cpu::Nhwc{reinterpret_cast<std::byte*>(values.data()), cpu::Element::f32, channels, size.h, size.w, 1, 1};
    };
    cpu::upsample(view(actual, out), view(source, in), {entry["align_corners"].get<bool>()}, scratch);
    // As in test_upsample: PyTorch's build contracts the coordinate's arithmetic, ours does not.
    const double coordinate = 3.0 * static_cast<double>(std::max(in.h, in.w));
    check_close(
        actual, expected, [=](std::size_t) { return (2 * 2 * coordinate + 2 * 6) * 3 * 0x1p-24; }, entry.dump());
  }
}

TEST_CASE("golden: lrn is PyTorch's LocalResponseNorm") {
  const Goldens goldens;
  for (const json& entry : goldens.of("lrn")) {
    const cpu::LrnParams params{entry["size"], entry["alpha"], entry["beta"], entry["k"]};
    if (params.size % 2 == 0) {  // PyTorch has these windows, no network of ours does
      float value = 0;
      CHECK_THROWS_AS(cpu::lrn(&value, &value, 1, 1, params), std::invalid_argument);
      continue;
    }
    const std::vector<float> expected = goldens.array<float>(entry["out"]);
    const Size2 plane = plane_size(entry["in"]);
    const auto pixels = static_cast<std::size_t>(plane.h * plane.w);
    const auto channels = static_cast<std::size_t>(extent(entry["in"], 1));
    // From planes of channels to pixels of channels, and back.
    const std::vector<float> planes = goldens.array<float>(entry["in"]);
    std::vector<float> source(planes.size()), result(planes.size()), actual(expected.size());
    for (std::size_t i = 0; i < planes.size(); ++i) source[i % pixels * channels + i / pixels] = planes[i];
    cpu::lrn(result.data(), source.data(), plane.h * plane.w, extent(entry["in"], 1), params);
    for (std::size_t i = 0; i < planes.size(); ++i) actual[i] = result[i % pixels * channels + i / pixels];
    // As in test_lrn, for either side.
    const double relative = 2 * (double{params.beta} * static_cast<double>(params.size + 4) + 4) * 0x1p-24;
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
    std::vector<std::byte> scratch(cpu::components_scratch_bytes(cpu_extent(size)));
    cpu::fill_holes(mask.data(), cpu_extent(size), filled.data(), scratch);
    check_equal(filled, goldens.array<std::uint8_t>(entry["filled"]), entry["mask"].dump());
    const std::int32_t count = cpu::clean_and_label(mask.data(), cpu_extent(size), min_area, labels.data(),
                                                    component_table(table.data()), capacity, scratch);
    cpu::area_open(filled.data(), cpu_extent(size), min_area, opened.data(), scratch);
    check_equal(opened, goldens.array<std::uint8_t>(entry["opened"]), entry["mask"].dump());
    check_equal(labels, goldens.array<std::uint8_t>(entry["labels"]), entry["mask"].dump());
    REQUIRE_EQ(static_cast<std::size_t>(count), entry["regions"].size());
    for (std::size_t i = 0; i < entry["regions"].size(); ++i) {
      const auto r = entry["regions"][i].get<std::array<std::int32_t, 7>>();
      CHECK_EQ(table[i + 1], Region{r[0], r[1], r[2], r[3], r[4], 0, r[5], r[6]});
    }
  }
}
