// Frame -> cells, with narrow networks of the real architectures, on the CUDA backend and on the CPU.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/cpu/backend.h"
#include "engine/cuda/backend.h"
#include "nets/smear.h"
#include "tests/engine/error_text.h"
#include "tests/nets/golden.h"

namespace giemsa {

namespace {

Model narrow_model(const std::string& name, InputSize input) {
  const std::filesystem::path folder = std::filesystem::path(GIEMSA_SOURCE_DIR "/tests/golden") / name;
  Model model = test::golden_model(test::read_golden(folder), folder);
  model.info.input = input;
  return model;
}

/// Smooth blobs of colour: random networks then find regions of many sizes.
Frame painted(int width, int height) {
  Frame frame(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const double wave = std::sin(x * 0.21) * std::cos(y * 0.17) + std::sin((x + 2 * y) * 0.07);
      for (int c = 0; c < 3; ++c)
        frame.at(x, y)[c] = static_cast<std::uint8_t>(128 + 60 * wave + 20 * std::sin(c * 2.1 + x * 0.05));
    }
  return frame;
}

/// A network with a centre head. The golden's was never trained: its offsets point out of the image, past all peaks but
/// one. These point nowhere, so that each pixel belongs to the peak that is nearest to itself.
Model model_with_centres() {
  Model model = narrow_model("smp_centres", {{96, 96}, 0});  // large enough for several peaks in a cell
  for (const char* key : {"centre_head.1.weight", "centre_head.1.bias"}) {
    Tensor& tensor = model.tensors.at(key);
    std::vector<float> values(tensor.as<float>().begin(), tensor.as<float>().end());
    std::fill(values.begin() + static_cast<std::ptrdiff_t>(values.size() / 3), values.end(), 0.0f);  // y and x
    tensor = Tensor::from(tensor.shape(), values);
  }
  return model;
}

SmearResult identify(const std::shared_ptr<Backend>& backend, const SmearOptions& options, const Frame& frame) {
  Model segmenter = options.split == Split::centre ? model_with_centres() : narrow_model("smp", {{64, 64}, 0});
  Smear smear(std::move(segmenter), narrow_model("alexnet", {{63, 63}, 0}), options, backend);
  SmearResult result;
  smear.identify(frame, result);
  return result;
}

/// How far the logits of the cells may be from the exact ones: unit roundoff times the roundings on the way times the
/// largest logit, as for the golden networks (see compare_with_golden).
double logit_error(const SmearOptions& options, const Frame& frame, const SmearResult& result) {
  const auto count = static_cast<std::int64_t>(result.cells.size());
  const Model model = narrow_model("alexnet", {{63, 63}, 0});
  const auto session = make_cpu_backend({.threads = 1})
                           ->compile(classify_graph(model, {frame.height, frame.width}, count, options.crop));
  const Graph& graph = session->graph();
  const Node& softmax = graph.producer_of(graph.outputs()[0]);
  REQUIRE(std::holds_alternative<Softmax>(softmax.op));
  const std::string logits = graph[softmax.inputs[0]].name;
  double largest = 0;
  session->observe([&](const Value& value, const Tensor& tensor) {
    if (value.name != logits) return;
    for (const float logit : tensor.as<float>()) largest = std::max<double>(largest, std::abs(logit));
  });
  std::vector<std::int32_t> boxes;
  for (const Cell& cell : result.cells) boxes.insert(boxes.end(), {cell.x, cell.y, cell.w, cell.h});
  const void* inputs[] = {frame.rgb.data(), boxes.data()};
  session->run(inputs);
  REQUIRE(largest > 0);
  return 0x1p-24 * test::roundings(graph, false).at(logits) * largest;
}

double balanced_threshold(const Frame& frame, Split split = Split::none) {
  // The threshold at which about half of the pixels are cells.
  double low = 0.001, high = 0.999;
  for (int i = 0; i < 12; ++i) {
    SmearOptions options;
    options.min_area = 1;
    options.split = split;
    options.threshold = static_cast<float>((low + high) / 2);
    const SmearResult result = identify(make_cpu_backend({.threads = 1}), options, frame);
    const auto cells = std::ranges::count_if(result.labels.pixels, [](auto label) { return label != 0; });
    (cells * 2 > static_cast<std::ptrdiff_t>(result.labels.pixels.size()) ? low : high) = (low + high) / 2;
  }
  return (low + high) / 2;
}

}  // namespace

TEST_CASE("the whole smear way equals the CPU's") {
  const Frame frame = painted(90, 70);
  SmearOptions options;
  options.min_area = 20;
  options.threshold = static_cast<float>(balanced_threshold(frame));
  for (const CropMode crop : {CropMode::tight, CropMode::matlab})
    for (const bool at_frame : {true, false}) {
      CAPTURE(at_frame);
      options.split = crop == CropMode::tight ? Split::none : Split::distance;
      options.crop = crop;
      options.mask_at_frame_resolution = at_frame;
      const SmearResult expected = identify(make_cpu_backend({.threads = 1}), options, frame);
      CudaOptions cuda;
      cuda.precision = DType::f32;
      const SmearResult actual = identify(make_cuda_backend(cuda), options, frame);
      REQUIRE(expected.cells.size() > 0);
      REQUIRE(actual.cells.size() == expected.cells.size());
      // Both are off by as much; logits off by d make probabilities off by a factor of at most exp(2 d).
      const double factor = std::exp(2 * 2 * logit_error(options, frame, expected));
      CHECK(factor < 1.05);
      CHECK(actual.labels.pixels == expected.labels.pixels);
      for (std::size_t i = 0; i < expected.cells.size(); ++i) {
        const Cell &a = actual.cells[i], &e = expected.cells[i];
        CHECK(a.id == e.id);
        CHECK((a.x == e.x && a.y == e.y && a.w == e.w && a.h == e.h && a.area == e.area));
        CHECK(a.centroid_x == e.centroid_x);
        CHECK(a.class_index == e.class_index);
        for (std::size_t k = 0; k < e.probabilities.size(); ++k)
          CHECK(!!(std::abs(a.probabilities[k] - e.probabilities[k]) <= (factor - 1) * e.probabilities[k]));
      }
    }
}

TEST_CASE("split cells cover what their components cover, with records of their own") {
  const Frame frame = painted(200, 160);
  SmearOptions options;
  options.min_area = 20;
  options.threshold = static_cast<float>(balanced_threshold(frame));
  const SmearResult whole = identify(make_cpu_backend({.threads = 1}), options, frame);
  options.split = Split::distance;
  const SmearResult split = identify(make_cpu_backend({.threads = 1}), options, frame);
  CHECK(split.cells.size() > whole.cells.size());
  for (std::size_t i = 0; i < whole.labels.pixels.size(); ++i)
    REQUIRE((whole.labels.pixels[i] != 0) == (split.labels.pixels[i] != 0));
  for (const Cell& cell : split.cells) {
    CHECK(cell.area >= options.min_area);
    CHECK(cell.area == std::ranges::count(split.labels.pixels, static_cast<std::uint16_t>(cell.id)));
  }
}

TEST_CASE("cells told apart by centres are the CPU's, at either resolution") {
  const Frame frame = painted(200, 160);
  SmearOptions options;
  options.min_area = 20;
  options.split = Split::centre;
  options.threshold = static_cast<float>(balanced_threshold(frame, Split::centre));
  for (const bool at_frame : {true, false}) {
    CAPTURE(at_frame);
    options.mask_at_frame_resolution = at_frame;
    const SmearResult expected = identify(make_cpu_backend({.threads = 1}), options, frame);
    const SmearResult actual = identify(make_cuda_backend({.precision = DType::f32}), options, frame);
    CHECK(actual.labels.pixels == expected.labels.pixels);
    std::size_t parted = 0;  // pixels whose right neighbour is another cell's
    for (std::size_t i = 0; i + 1 < expected.labels.pixels.size(); ++i) {
      const auto own = expected.labels.pixels[i], right = expected.labels.pixels[i + 1];
      parted += own != 0 && right != 0 && own != right && (i + 1) % 200 != 0 ? 1 : 0;
    }
    CHECK(parted > 0);
  }
}

TEST_CASE("a segmenter without a centre head cannot tell cells apart by centres, and says so") {
  const Model model = narrow_model("smp", {{64, 64}, 0});
  SmearOptions by_centres;
  by_centres.split = Split::centre;
  CHECK(test::error_of(ErrorKind::model, [&] {
          Smear(model, std::nullopt, by_centres, make_cpu_backend({.threads = 1}));
        }).find("no centre head, which split centre needs") != std::string::npos);
  CHECK_NOTHROW(
      Smear(narrow_model("smp_centres", {{64, 64}, 0}), std::nullopt, by_centres, make_cpu_backend({.threads = 1})));
}

TEST_CASE("fp16: label maps agree with fp32's on 99.9 % of the pixels") {
  const Frame frame = painted(90, 70);
  SmearOptions options;
  options.min_area = 20;
  options.threshold = static_cast<float>(balanced_threshold(frame));
  const SmearResult expected = identify(make_cpu_backend({.threads = 1}), options, frame);
  const SmearResult actual = identify(make_cuda_backend({}), options, frame);
  std::size_t equal = 0;
  for (std::size_t i = 0; i < expected.labels.pixels.size(); ++i)
    equal += (expected.labels.pixels[i] != 0) == (actual.labels.pixels[i] != 0);
  MESSAGE("equal: ", equal, " of ", expected.labels.pixels.size());
  CHECK(static_cast<double>(equal) >= 0.999 * static_cast<double>(expected.labels.pixels.size()));
}

}  // namespace giemsa
