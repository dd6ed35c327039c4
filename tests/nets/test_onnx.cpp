// Export to ONNX: the file is taken apart by a reader of its own, and made a network again.
#include "nets/onnx/export.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "engine/cpu/backend.h"
#include "tests/engine/building.h"
#include "tests/engine/error_text.h"
#include "tests/nets/golden.h"
#include "tests/nets/onnx_twin.h"
#include "tests/ref/adaptive_avg_pool.h"
#include "tests/ref/upsample.h"
#include "tests/temporary_folder.h"
#include "weights/sha256.h"

namespace giemsa {

using test::contains;
using test::error_of;
using test::OnnxModel;
using test::OnnxNode;

namespace {

std::string bytes_of(const Message& message) {
  std::string bytes;
  message.write([&](ByteView part) { bytes += text_of(part); });
  CHECK(bytes.size() == message.size());
  return bytes;
}

OnnxModel exported(const Graph& graph) {
  return test::read_onnx(bytes_of(to_onnx(graph, {})));
}

OnnxModel exported_file(const std::filesystem::path& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return test::read_onnx(bytes.str());
}

Graph network(const Model& model, const Shape& input) {
  Graph graph;
  graph.mark_output(build_network(graph, graph.input("input", {DType::f32, input}), model));
  return graph;
}

std::vector<float> run(const Graph& graph, const Tensor& input) {
  const auto session = make_cpu_backend({.threads = 2, .precision = DType::f32})->compile(graph, false);
  const Tensor values = to_f32(input);
  const void* data = values.bytes().data();
  session->run(std::span(&data, 1));
  const auto output = session->output<float>();
  return {output.begin(), output.end()};
}

/// A graph of one layer without weights.
Graph single(Op op, Shape input) {
  Graph graph;
  graph.mark_output(graph.add("layer", std::move(op), {graph.input("input", {DType::f32, input})}));
  return graph;
}

double element(const Tensor& matrix, std::int64_t row, std::int64_t column) {
  return matrix.as<float>()[static_cast<std::size_t>(row * matrix.shape()[1] + column)];
}

}  // namespace

TEST_CASE("every golden network, exported and read again, computes the same bits") {
  for (const auto& folder : test::golden_folders()) {
    CAPTURE(folder.filename().string());
    const test::Golden golden = test::read_golden(folder);
    const Tensor& image = golden.activations.at("input");
    const Graph graph = network(test::golden_model(golden, folder), image.shape());
    const OnnxModel onnx = exported(graph);
    CHECK(onnx.ir_version == 7);
    CHECK(onnx.operator_set == 13);
    CHECK(onnx.inputs == std::vector<std::string>{"input"});
    CHECK(onnx.outputs == std::vector{golden.metadata.at("logits")});
    CHECK(onnx.extents.size() == graph.nodes().size());

    const Graph twin = test::graph_of(onnx, 1);
    CHECK(test::names_of(twin) == test::names_of(graph));
    CHECK(run(twin, image) == run(graph, image));
    CHECK(test::graph_of(onnx, 3)[twin.outputs()[0]].type.shape[0] == 3);
  }
}

TEST_CASE("a file says where it comes from, and what it holds") {
  const test::TemporaryFolder folder;
  const std::filesystem::path root = GIEMSA_SOURCE_DIR "/tests/golden/alexnet";
  convert({root / "checkpoint.pt",
           folder / "model.safetensors",
           "alexnet",
           "torchvision",
           {{"input_size", "97x127"}, {"dtype", "int8"}, {"classes", "a,b,c,d,e"}}});
  const Model model = load_model(folder / "model.safetensors");
  const OnnxReport report = export_onnx(model, {}, folder / "model.onnx");
  const OnnxModel onnx = exported_file(folder / "model.onnx");
  CHECK(report.bytes == std::filesystem::file_size(folder / "model.onnx"));
  CHECK(onnx.metadata.at("classes") == "a,b,c,d,e");
  CHECK(onnx.metadata.at("dtype") == "fp32");
  CHECK(onnx.metadata.at("input_size") == "97x127");
  CHECK(onnx.metadata.at("option.groups") == "1");
  CHECK(onnx.metadata.at("source_sha256") == model.info.source_sha256);
  CHECK(onnx.metadata.at("model_sha256") == sha256(map_file(folder / "model.safetensors").bytes));
  CHECK(onnx.extents.at("input") == std::vector<std::string>{"batch", "3", "127", "97"});
  CHECK(onnx.extents.at("classifier.6") == std::vector<std::string>{"batch", "5"});
  CHECK(contains(to_text(report), "{batch,3,127,97}", "classifier.6 {batch,5}"));

  // int8 rows are widened: weight[o] * scale[o], each product rounded once.
  const Tensor codes = model.tensors.at("classifier.4.weight"), scales = model.tensors.at("classifier.4.weight_scale");
  const Tensor weight = onnx.constants.at("classifier.4.weight");
  REQUIRE(weight.shape() == codes.shape());
  for (std::int64_t i = 0; i < codes.size(); ++i)
    CHECK(weight.as<float>()[i] == codes.as<std::int8_t>()[i] * scales.as<float>()[i / codes.shape()[1]]);

  export_onnx(model, InputSize{{131, 99}, 0}, folder / "other.onnx");
  CHECK(exported_file(folder / "other.onnx").extents.at("input") ==
        std::vector<std::string>{"batch", "3", "131", "99"});
  CHECK(
      contains(error_of(ErrorKind::output, [&] { export_onnx(model, {}, folder / "missing" / "x.onnx"); }), "x.onnx"));
}

TEST_CASE("where only a long side is known a usual frame decides the size") {
  const test::TemporaryFolder folder;
  const std::filesystem::path root = GIEMSA_SOURCE_DIR "/tests/golden/smp";
  convert({root / "checkpoint.pt", folder / "model.safetensors", "deeplabv3plus", "smp", {{"input_size", "64"}}});
  const Model model = load_model(folder / "model.safetensors");
  CHECK(export_onnx(model, {}, folder / "model.onnx").input == Shape{1, 3, 48, 64});
  CHECK(contains(error_of(ErrorKind::usage,
                          [&] {
                            export_onnx(model, InputSize{{50, 64}, 0}, folder / "x.onnx");
                          }),
                 "64x50", "16"));
  CHECK(!std::filesystem::exists(folder / "x.onnx"));
}

TEST_CASE("adaptive pooling into unequal windows is a product of averages") {
  for (const auto& [in, out] : {std::pair{Size2{7, 5}, Size2{3, 4}}, {Size2{3, 2}, Size2{6, 6}}}) {
    const Tensor image = ref::random_tensor({1, 2, in.h, in.w}, 1);
    const OnnxModel onnx = exported(single(AdaptiveAvgPool{out}, image.shape()));
    CHECK(onnx.node("layer/rows").inputs == std::vector<std::string>{"layer.row_averages", "input"});
    CHECK(onnx.node("layer").inputs == std::vector<std::string>{"layer/rows", "layer.column_averages"});
    const Tensor rows = onnx.constants.at("layer.row_averages"), columns = onnx.constants.at("layer.column_averages");
    REQUIRE(rows.shape() == Shape{out.h, in.h});
    REQUIRE(columns.shape() == Shape{in.w, out.w});
    const ref::Reference expected = ref::adaptive_avg_pool(image, {out});
    ref::for_each_element(expected.shape, [&](auto n, auto c, auto y, auto x, std::size_t i) {
      double sum = 0;
      for (std::int64_t j = 0; j < in.h; ++j)
        for (std::int64_t k = 0; k < in.w; ++k)
          sum += element(rows, y, j) * element(columns, k, x) * image.as<float>()[ref::at(image.shape(), n, c, j, k)];
      CHECK(!!(std::abs(sum - expected.value[i]) <= 2 * 0x1p-24 * expected.magnitude[i]));  // two rounded weights
    });
  }
  CHECK(exported(single(AdaptiveAvgPool{{3, 2}}, {1, 2, 6, 8})).node("layer").integers.at("kernel_shape") ==
        std::vector<std::int64_t>{2, 4});
  CHECK(exported(single(AdaptiveAvgPool{{6, 6}}, {1, 2, 6, 6})).node("layer").type == "Identity");
}

TEST_CASE("upsampling against zeros is a transposed convolution") {
  const Size2 in{3, 5};
  const Tensor image = ref::random_tensor({1, 2, in.h, in.w}, 2);
  for (const Size2 factor : {Size2{4, 2}, Size2{3, 1}}) {
    const Upsample op{{in.h * factor.h, in.w * factor.w}, false, EdgeMode::zero};
    const OnnxModel onnx = exported(single(op, image.shape()));
    const OnnxNode& node = onnx.node("layer");
    CHECK(node.type == "ConvTranspose");
    CHECK(node.integers.at("group") == std::vector<std::int64_t>{2});
    CHECK(node.integers.at("strides") == std::vector<std::int64_t>{factor.h, factor.w});
    const auto& pads = node.integers.at("pads");
    const Tensor weight = onnx.constants.at("layer.interpolation");
    const Size2 kernel{weight.shape()[2], weight.shape()[3]};
    REQUIRE((in.h - 1) * factor.h + kernel.h - pads[0] - pads[2] == op.output.h);
    REQUIRE((in.w - 1) * factor.w + kernel.w - pads[1] - pads[3] == op.output.w);
    for (std::int64_t c = 0; c < 2; ++c)
      for (std::int64_t y = 0; y < op.output.h; ++y)
        for (std::int64_t x = 0; x < op.output.w; ++x) {
          double sum = 0;
          for (std::int64_t j = 0; j < in.h; ++j)
            for (std::int64_t k = 0; k < in.w; ++k) {
              const std::int64_t ky = y + pads[0] - j * factor.h, kx = x + pads[1] - k * factor.w;
              if (ky < 0 || ky >= kernel.h || kx < 0 || kx >= kernel.w) continue;
              sum += double{weight.as<float>()[ref::at(weight.shape(), c, 0, ky, kx)]} *
                     image.as<float>()[ref::at(image.shape(), 0, c, j, k)];
            }
          const double expected = ref::upsample_at(
              op, [&](std::int64_t j, std::int64_t k) { return image.as<float>()[ref::at(image.shape(), 0, c, j, k)]; },
              in, y, x);
          // Each of four weights, below 1, is rounded thrice; pixels are below 1.
          CHECK(!!(std::abs(sum - expected) <= 4 * 3 * 0x1p-24));
        }
  }
}

TEST_CASE("a window that ceil_mode adds is spelled out as padding") {
  const auto pads = [](const MaxPool& op, Size2 in) {
    return exported(single(op, {1, 2, in.h, in.w})).node("layer").integers.at("pads");
  };
  using Pads = std::vector<std::int64_t>;
  const MaxPool ceil{.kernel = {3, 3}, .stride = {2, 2}, .ceil_mode = true};
  CHECK(pads(ceil, {6, 7}) == Pads{0, 0, 1, 0});
  CHECK(pads({.kernel = {3, 3}, .stride = {2, 2}}, {6, 7}) == Pads{0, 0, 0, 0});
  CHECK(pads({.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}, {6, 7}) == Pads{1, 1, 1, 1});
}

TEST_CASE("what passes made, and what is no part of a network, is refused") {
  test::Net net;
  const ValueId x = net.input("x", {1, 2, 4, 4});
  Conv2d fused = test::square(2, 3);
  fused.activation = Activation::relu;
  net.output(net.conv("conv", x, fused));
  CHECK(contains(error_of(ErrorKind::internal, [&] { to_onnx(net.graph, {}); }), "conv", "fused"));
  CHECK(contains(error_of(ErrorKind::internal,
                          [&] {
                            to_onnx(single(Threshold{}, {1, 2, 4, 4}), {});
                          }),
                 "layer", "threshold"));
}

}  // namespace giemsa
