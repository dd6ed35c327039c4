// What ops store in 8 bits: the nearest multiple of the scale, halves to even, saturating. On the CPU, which alone has
// int8; operands are multiples of their scale, so nothing is lost on the way in.
#include <cmath>

#include "tests/contract/contract.h"
#include "tests/ref/lrn.h"
#include "tests/ref/max_pool.h"
#include "tests/ref/relu.h"
#include "tests/ref/resize.h"
#include "tests/ref/upsample.h"

namespace giemsa {

namespace {

constexpr float fine = 0x1p-6f, coarse = 0x1p-3f;

/// Multiples of `fine` that i8 holds.
Tensor operand(const Shape& shape, std::uint64_t seed, double low = -2) {
  return ref::random_tensor(shape, seed, low, 127.0 / 64);
}

double stored(double value, float scale, bool is_unsigned) {
  return std::clamp(std::nearbyint(value / scale), is_unsigned ? 0.0 : -128.0, is_unsigned ? 255.0 : 127.0) * scale;
}

/// Marks `id` as an output that is in 8 bits: a convolution reads it too, and wants it so.
void mark_stored(Graph& graph, ValueId id, float scale) {
  graph.calibrate(id, scale);
  graph.mark_output(id);
  Weights weights;
  weights.weight = ref::random_tensor({1, graph[id].type.shape[1], 1, 1}, 1);
  graph.mark_output(graph.add("reader", Conv2d{.out_channels = 1}, {id}, weights));
}

struct EightBits {
  std::string name;
  Op op;
  std::vector<Tensor> inputs;
  ref::Reference expected;
  float scale;  ///< of the result
  bool is_unsigned = false;
};

/// Between the stored forms of the least and the greatest value that a correct fp32 implementation can give.
void check_stored(const EightBits& item) {
  Graph graph;
  std::vector<ValueId> inputs;
  std::vector<const void*> pointers;
  for (const Tensor& input : item.inputs) {
    ValueId id = graph.input(cat("input", inputs.size()), {input.dtype(), input.shape()});
    if (is_feature_map(graph[id].type)) {
      graph.calibrate(id, fine);
      id = graph.add(cat("stored", inputs.size()), Concat{}, {id});
      graph.calibrate(id, fine);
    }
    inputs.push_back(id);
    pointers.push_back(input.bytes().data());
  }
  ValueId id = graph.add("op", item.op, inputs);
  graph.calibrate(id, item.scale);
  mark_stored(graph, graph.add("result", Concat{}, {id}), item.scale);
  for (const int threads : {1, 2, 3}) {
    const auto session = make_cpu_backend({.threads = threads, .precision = DType::i8})->compile(graph);
    session->run(pointers);
    const auto actual = session->output<float>();
    REQUIRE(actual.size() == item.expected.value.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      const double value = item.expected.value[i], error = ref::tolerance(item.expected, i, DType::f32);
      const double least = stored(value - error, item.scale, item.is_unsigned),
                   most = stored(value + error, item.scale, item.is_unsigned);
      if (!(actual[i] >= least && actual[i] <= most && actual[i] == stored(actual[i], item.scale, item.is_unsigned)))
        FAIL_CHECK("element ", i, " of ", item.name, " on ", threads, " threads is ", actual[i], ", not from ", least,
                   " to ", most);
    }
  }
}

bool skipped() {
  if (!cpu_facts().fast_int8) MESSAGE("skipped: this CPU lacks AVX512_VNNI and AVX_VNNI");
  return !cpu_facts().fast_int8;
}

ref::Reference copy_of(const Tensor& tensor) {
  ref::Reference expected(tensor.shape(), 0);
  for (std::size_t i = 0; i < expected.value.size(); ++i) expected.value[i] = tensor.as<float>()[i];
  return expected;
}

}  // namespace

// From fp32: the input is not calibrated. 24 values of a channel stand for each kind of rounding.
TEST_CASE("fp32 is stored in 8 bits by the nearest step, halves to even, saturating") {
  if (skipped()) return;
  const std::vector<float> values{0,       0.5f,   1.5f,    2.5f,   -0.5f,   -1.5f,  -2.5f,   0.49f,
                                  0.51f,   -0.49f, -0.51f,  126.5f, 127,     127.5f, 128,     1000,
                                  -127.5f, -128,   -128.5f, -129,   -1000.f, 63.25f, -63.75f, 1e30f};
  for (const float scale : {1.0f, 0x1p-4f, 8.0f}) {
    std::vector<float> scaled, expected;
    for (const float value : values) {
      scaled.push_back(value * scale);
      expected.push_back(static_cast<float>(stored(value * scale, scale, false)));
    }
    const Shape shape{1, 24, 1, 1};
    Graph graph;
    const ValueId x = graph.input("x", {DType::f32, shape});
    mark_stored(graph, graph.add("stored", Concat{}, {x}), scale);
    const test::Outputs outputs = test::run(test::cpu(DType::i8), graph, std::vector{Tensor::from(shape, scaled)});
    test::check_equal(std::span<const float>(outputs[0]), std::span<const float>(expected), cat("scale ", scale));
  }
}

TEST_CASE("8 bits of one scale become 8 bits of another") {
  if (skipped()) return;
  for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{2, 33, 5, 7}, Shape{1, 64, 3, 3}})
    for (const float scale : {fine, coarse, 0x1p-8f, 0x1.8p-5f}) {
      const Tensor x = operand(shape, 1);
      check_stored({cat("concat ", shape, " to ", scale), Concat{}, {x}, copy_of(x), scale});
      const Tensor positive = operand(shape, 2, 0);
      check_stored({cat("relu ", shape, " to ", scale), Relu{}, {positive}, ref::relu(positive), scale, true});
    }
}

TEST_CASE("ops that compute on 8 bits store theirs rounded once") {
  if (skipped()) return;
  const Tensor x = operand({2, 17, 9, 7}, 3);
  const MaxPool pool{{3, 3}, {2, 2}, {1, 1}};
  check_stored({"max_pool", pool, {x}, ref::max_pool(x, pool), fine});
  for (const bool align_corners : {false, true}) {
    const Upsample op{{18, 13}, align_corners};
    ref::Reference expected({2, 17, 18, 13}, 2 * 2 * 3 * 9 + 6);
    ref::for_each_element(expected.shape, [&](auto n, auto c, auto y, auto column, std::size_t i) {
      const ref::Plane plane = [&](std::int64_t py, std::int64_t px) {
        return double{x.as<float>()[ref::at(x.shape(), n, c, py, px)]};
      };
      expected.value[i] = ref::upsample_at(op, plane, {9, 7}, y, column);
      expected.magnitude[i] = 2;
    });
    check_stored({cat("upsample", op.text()), op, {x}, expected, coarse});
  }
  const Lrn norm{};
  ref::Reference expected(x.shape(), ref::lrn_roundings(norm));
  ref::for_each_element(x.shape(), [&](auto n, auto c, auto y, auto column, std::size_t i) {
    const auto channel = [&](std::int64_t j) { return double{x.as<float>()[ref::at(x.shape(), n, j, y, column)]}; };
    expected.add_term(i, ref::lrn_at(norm, channel, 17, c));
  });
  check_stored({"lrn", norm, {x}, expected, coarse});
}

TEST_CASE("frames become 8 bits after they are resampled and normalised") {
  if (skipped()) return;
  ref::Picture in({31, 33});
  in.rgb = test::Random(13).integers<std::uint8_t>(31 * 33 * 3);
  const Tensor frame = Tensor::from(DType::u8, Shape{1, 31, 33, 3}, in.rgb);
  const Preprocess whole{.output = {17, 19}};
  const CropResize part{.output = {17, 19}};
  const ref::Picture resized = ref::resize(in, {17, 19}, ResizeFilter::bilinear);
  ref::Reference expected({1, 3, 17, 19}, 0);
  ref::for_each_element(expected.shape, [&](auto, auto c, auto y, auto x, std::size_t i) {
    const auto channel = static_cast<std::size_t>(c);
    expected.value[i] = (static_cast<float>(resized.at(y, x, c)) / 255.0f - whole.mean[channel]) / whole.std[channel];
  });
  for (const float scale : {0x1p-6f, 0x1p-5f}) {  // saturating, and not
    check_stored({cat("preprocess to ", scale), whole, {frame}, expected, scale});
    const std::vector<std::int32_t> box{0, 0, 33, 31};
    check_stored(
        {cat("crop_resize to ", scale), part, {frame, Tensor::from(DType::i32, Shape{1, 4}, box)}, expected, scale});
  }
}

}  // namespace giemsa
