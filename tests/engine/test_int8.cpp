// Convolutions and fully connected layers of 8-bit integers. Scales and weights are such that every sum is a whole
// number of some 2^-k below 2^24 of them: floating-point arithmetic is then exact, whatever its order, and the only
// rounding is the one that the result is stored with (to nearest, halves to even, saturating). So results must be
// equal, not close.
#include <algorithm>
#include <cmath>

#include "engine/passes/passes.h"
#include "engine/plan/layout.h"
#include "engine/plan/storage.h"
#include "tests/engine/building.h"
#include "tests/engine/running.h"
#include "tests/ops/compare.h"
#include "tests/ops/conv2d_cases.h"
#include "tests/ref/conv2d.h"
#include "tests/ref/linear.h"
#include "tests/ref/random.h"

namespace giemsa {

namespace {

using test::Net;
using test::square;

constexpr float fine = 0x1p-6f, coarse = 0x1p-2f;  // scales of operands and results

bool skipped() {
  if (!cpu_facts().fast_int8) MESSAGE("skipped: this CPU lacks AVX512_VNNI and AVX_VNNI");
  return !cpu_facts().fast_int8;
}

Weights weights_of(Tensor weight) {
  Weights weights;
  weights.weight = std::move(weight);
  return weights;
}

/// Multiples of 1/64, the largest of each row 127/64: its scale is 1/64 exactly.
Tensor exact_weights(const Shape& shape, std::uint64_t seed, double reach = 1) {
  const Tensor random = ref::random_tensor(shape, seed, -reach, reach);
  std::vector<float> values(random.as<float>().begin(), random.as<float>().end());
  const std::size_t row = values.size() / static_cast<std::size_t>(shape[0]);
  for (std::size_t i = 0; i < values.size(); i += row) values[i] = 127 * fine;
  return Tensor::from(shape, std::move(values));
}

/// A 1x1 convolution of one channel by 127/128: up to 63 steps, rounding makes it the identity.
Weights almost_one() {
  return weights_of(Tensor::from({1, 1, 1, 1}, {127.0f / 128}));
}

/// The nearest value that `scale` and the type can store.
double stored(double value, float scale, bool is_unsigned) {
  return std::clamp(std::nearbyint(value / scale), is_unsigned ? 0.0 : -128.0, is_unsigned ? 255.0 : 127.0) * scale;
}

/// A case as a graph whose operands are in 8 bits, and what it should give.
struct ConvolutionCase {
  Graph graph;
  std::vector<Tensor> inputs;
  std::vector<double> expected;

  /// `positive`: the input is u8. `stores`: so is, or i8, the result; else it is fp32.
  ConvolutionCase(const test::Conv2dCase& item, bool positive, bool stores) {
    const Conv2d& op = item.op;
    Tensor x = ref::random_tensor(item.input, 1, -item.reach, item.reach);
    ValueId id = input("x", x);
    if (positive) {
      id = graph.add("positive",
                     Conv2d{.out_channels = item.input[1], .groups = item.input[1], .activation = Activation::relu},
                     {id}, weights_of(ones(item.input[1])));
      graph.calibrate(id, fine);
      x = without_negatives(x);
    }
    Weights weights;
    weights.weight =
        exact_weights({op.out_channels, item.input[1] / op.groups, op.kernel.h, op.kernel.w}, 2, item.reach);
    if (item.bias) weights.bias = ref::random_tensor({op.out_channels}, 3);
    std::vector<ValueId> operands{id};
    Tensor residual;
    if (op.residual) {
      Conv2d plain = op;
      plain.residual = false;
      residual = ref::random_tensor(ref::conv2d(x, plain, weights).shape, 4);
      operands.push_back(input("residual", residual));
    }
    expected = ref::conv2d(x, op, weights, residual).value;
    const ValueId conv = graph.add("conv", op, operands, weights);
    graph.mark_output(conv);
    if (!stores) return;
    graph.calibrate(conv, coarse);
    for (double& value : expected) value = stored(value, coarse, op.activation != Activation::none);
    // A reader that does not want fp32.
    graph.mark_output(graph.add("reader", Conv2d{.out_channels = 1}, {conv},
                                weights_of(exact_weights({1, op.out_channels, 1, 1}, 5))));
  }

 private:
  ValueId input(const std::string& name, const Tensor& values) {
    const ValueId id = graph.input(name, {DType::f32, values.shape()});
    graph.calibrate(id, fine);
    inputs.push_back(values);
    return id;
  }
  static Tensor ones(std::int64_t channels) {
    return Tensor::from({channels, 1, 1, 1}, std::vector<float>(static_cast<std::size_t>(channels), 1.0f));
  }
  static Tensor without_negatives(const Tensor& tensor) {
    std::vector<float> values(tensor.as<float>().begin(), tensor.as<float>().end());
    for (float& value : values) value = std::max(value, 0.0f);
    return Tensor::from(tensor.shape(), std::move(values));
  }
};

}  // namespace

TEST_CASE("conv2d of 8-bit integers") {
  if (skipped()) return;
  for (const test::Conv2dCase& item : test::conv2d_cases()) {
    SUBCASE(item.name.c_str()) {
      for (const bool positive : {false, true}) {
        for (const bool stores : {false, true}) {
          const ConvolutionCase one(item, positive, stores);
          for (const int threads : {1, 2, 3}) {
            const test::Outputs outputs = test::run(test::cpu(DType::i8, threads), one.graph, one.inputs);
            test::check_equal(std::span(outputs[0]), std::span(one.expected),
                              cat(positive ? "u8" : "i8", " to ", stores ? "8 bits" : "fp32", ", ", threads,
                                  " threads; test_engine -tc=\"conv2d of 8-bit integers\" -sc=\"", item.name, "\""));
          }
        }
      }
    }
  }
}

TEST_CASE("a residual of another scale and sign is added to in place") {
  if (skipped()) return;
  Net net;
  const Tensor x = ref::random_tensor({1, 1, 5, 7}, 1, -57 * fine, 57 * fine);
  const ValueId input = net.input("x", x.shape());
  net.graph.calibrate(input, fine);
  const ValueId other = net.graph.add("other", Conv2d{.out_channels = 1}, {input}, almost_one());
  net.graph.calibrate(other, fine / 2);
  const ValueId host = net.graph.add("host", Conv2d{.out_channels = 1}, {input}, almost_one());
  const ValueId sum = net.relu("sum", net.add("added", host, other));
  net.graph.calibrate(sum, fine);
  net.output(sum);
  net.output(net.graph.add("reader", Conv2d{.out_channels = 1}, {sum}, almost_one()));

  const Layout layout = lay_out(optimize(net.graph), {.int8 = true});
  CHECK(layout.in_place[2]);
  CHECK(layout.buffers[1].dtype == DType::i8);
  CHECK(layout.buffers[2].dtype == DType::u8);
  std::vector<double> expected;
  for (const float value : x.as<float>()) {
    const double halves = stored(value * 127.0 / 128, fine / 2, false);
    expected.push_back(stored(value * 127.0 / 128 + halves, fine, true));
  }
  const test::Outputs outputs = test::run(test::cpu(DType::i8), net.graph, std::vector{x});
  test::check_equal(std::span(outputs[0]), std::span(expected), "sum");
}

TEST_CASE("pooling, upsampling and concatenation in 8 bits") {
  if (skipped()) return;
  Net net;
  const Tensor x = ref::random_tensor({1, 1, 4, 4}, 1, -57 * fine, 57 * fine);
  const ValueId input = net.input("x", x.shape());
  net.graph.calibrate(input, fine);
  const ValueId conv =
      net.graph.add("conv", Conv2d{.out_channels = 1, .activation = Activation::relu}, {input}, almost_one());
  const ValueId pool = net.graph.add("pool", MaxPool{{2, 2}, {2, 2}}, {conv});
  const ValueId up = net.graph.add("up", Upsample{{4, 4}}, {pool});
  const ValueId both = net.concat("both", {conv, up});
  for (const ValueId id : {conv, pool, up, both}) net.graph.calibrate(id, fine);
  net.graph.calibrate(both, 2 * fine);
  net.output(both);
  net.output(net.graph.add("reader", Conv2d{.out_channels = 1}, {both}, weights_of(exact_weights({1, 2, 1, 1}, 5))));

  const auto at = [&](std::int64_t row, std::int64_t column) {
    return stored(std::max(0.0f, x.as<float>()[static_cast<std::size_t>(row * 4 + column)]) * 127.0 / 128, 2 * fine,
                  true);
  };
  const auto pooled = [&](std::int64_t row, std::int64_t column) {
    return std::max({at(2 * row, 2 * column), at(2 * row, 2 * column + 1), at(2 * row + 1, 2 * column),
                     at(2 * row + 1, 2 * column + 1)});
  };
  constexpr double near[] = {1, 0.75, 0.25, 0};  // weight of the first of two samples, 2 -> 4, half pixels
  std::vector<double> expected;
  for (std::int64_t i = 0; i < 16; ++i) expected.push_back(at(i / 4, i % 4));
  for (std::int64_t y = 0; y < 4; ++y)
    for (std::int64_t c = 0; c < 4; ++c) {
      const auto row = [&](std::int64_t r) { return pooled(r, 0) * near[c] + pooled(r, 1) * (1 - near[c]); };
      expected.push_back(stored(row(0) * near[y] + row(1) * (1 - near[y]), 2 * fine, true));
    }
  const test::Outputs outputs = test::run(test::cpu(DType::i8), net.graph, std::vector{x});
  test::check_equal(std::span(outputs[0]), std::span(expected), "both");
}

namespace {

/// As a model of int8 weights stores them.
Weights as_integers(const Weights& weights) {
  std::vector<std::int8_t> integers;
  for (const float value : weights.weight.as<float>()) integers.push_back(static_cast<std::int8_t>(value / fine));
  Weights stored = weights;
  stored.weight = Tensor::from(DType::i8, weights.weight.shape(), std::move(integers));
  const std::int64_t outputs = weights.weight.shape()[0];
  stored.scale = Tensor::from(Shape{outputs}, std::vector<float>(static_cast<std::size_t>(outputs), fine));
  return stored;
}

std::vector<float> linear_relu(const std::vector<float>& x, const Weights& weights) {
  const std::int64_t out = weights.weight.shape()[0], in = weights.weight.shape()[1];
  std::vector<float> y;
  for (std::size_t n = 0; n < x.size(); n += static_cast<std::size_t>(in))
    for (std::int64_t o = 0; o < out; ++o)
      y.push_back(
          static_cast<float>(ref::linear_at(&x[n], &weights.weight.as<float>()[static_cast<std::size_t>(o * in)], in, 1,
                                            weights.bias.as<float>()[static_cast<std::size_t>(o)], Activation::relu)
                                 .value));
  return y;
}

/// A picture of at least zero, a pool that copies it, two hidden layers and logits. `scales`: also of the rows.
struct Classifier {
  Graph graph;
  Tensor x;
  Weights first, second;

  Classifier(std::int64_t samples, bool integers, bool scales) : x(ref::random_tensor({samples, 70, 2, 3}, 1)) {
    for (Weights* weights : {&first, &second}) {
      const Shape shape = weights == &first ? Shape{33, 420} : Shape{31, 33};
      weights->weight = exact_weights(shape, 2);
      weights->bias = ref::random_tensor({shape[0]}, 3);
    }
    ValueId id = graph.input("x", {DType::f32, x.shape()});
    graph.calibrate(id, fine);
    id = graph.add("positive", Conv2d{.out_channels = 70, .groups = 70, .activation = Activation::relu}, {id},
                   weights_of(Tensor::from({70, 1, 1, 1}, std::vector<float>(70, 1.0f))));
    graph.calibrate(id, fine);
    id = graph.add("flatten", Flatten{}, {graph.add("pool", AdaptiveAvgPool{{2, 3}}, {id})});
    id = graph.add("first", Linear{33, Activation::relu}, {id}, integers ? as_integers(first) : first);
    if (scales) graph.calibrate(id, coarse);
    id = graph.add("second", Linear{31, Activation::relu}, {id}, integers ? as_integers(second) : second);
    graph.mark_output(id);
    if (scales) graph.calibrate(id, coarse);
    graph.mark_output(graph.add("logits", Linear{5}, {id}, weights_of(exact_weights({5, 31}, 4))));
  }

  /// What `second` gives where `first` is stored in steps of `coarse`.
  std::vector<float> expected() const {
    std::vector<float> values(x.as<float>().begin(), x.as<float>().end());
    for (float& value : values) value = std::max(value, 0.0f);
    values = linear_relu(values, first);
    for (float& value : values) value = static_cast<float>(stored(value, coarse, true));
    return linear_relu(values, second);
  }
  DType storage(std::string_view name) const {
    return lay_out(graph, {.int8 = true}).buffers[index_of(*graph.find(name))].dtype;
  }
};

}  // namespace

TEST_CASE("fully connected layers of 8-bit integers") {
  if (skipped()) return;
  for (const bool integers : {false, true}) {
    for (const std::int64_t samples : {1, 2, 3, 5, 17}) {
      const Classifier net(samples, integers, true);
      for (const int threads : {1, 2, 3}) {
        const test::Outputs outputs = test::run(test::cpu(DType::i8, threads), net.graph, std::vector{net.x});
        test::check_equal(outputs[0], net.expected(),
                          cat(samples, " samples, ", integers ? "int8" : "fp32", " weights, ", threads, " threads"));
      }
    }
  }
}

TEST_CASE("rows are in 8 bits where hidden layers alone read them and their scale is known") {
  const Classifier net(1, true, true);
  CHECK(net.storage("pool") == DType::u8);
  CHECK(net.storage("flatten") == DType::u8);
  CHECK(net.storage("first") == DType::u8);
  CHECK(net.storage("second") == DType::f32);  // logits are made of it
  const std::vector<bool> wanted = wants_calibration(net.graph);
  const std::vector<bool> expected{true, true, true, true, true, false, false};
  CHECK(wanted == expected);

  SUBCASE("not without a scale, as in files calibrated when rows had none") {
    const Classifier older(1, true, false);
    CHECK(older.storage("flatten") == DType::u8);  // keeps that of the picture
    CHECK(older.storage("first") == DType::f32);
  }
  SUBCASE("not where somebody else reads them") {
    Classifier other(1, true, true);
    other.graph.mark_output(other.graph.add("softmax", Softmax{}, {*other.graph.find("first")}));
    CHECK(other.storage("first") == DType::f32);
    other.graph.mark_output(*other.graph.find("flatten"));
    CHECK(other.storage("flatten") == DType::f32);
  }
  SUBCASE("not what may be negative") {
    Net signed_net;
    const ValueId x = signed_net.input("x", {1, 2, 2, 2});
    const ValueId flat = signed_net.graph.add("flatten", Flatten{}, {x});
    const ValueId hidden = signed_net.relu("relu", signed_net.linear("hidden", flat, 3));
    signed_net.output(signed_net.linear("logits", hidden, 2));
    for (const ValueId id : {x, flat, hidden}) signed_net.graph.calibrate(id, fine);
    const Layout layout = lay_out(optimize(signed_net.graph), {.int8 = true});
    CHECK(layout.buffers[index_of(flat)].dtype == DType::f32);
  }
  SUBCASE("not longer than sums can be") {
    for (const std::int64_t length : {longest_integer_row, longest_integer_row + 1}) {
      Graph graph;
      const ValueId x = graph.input("x", {DType::f32, {1, length, 1, 1}});
      const ValueId flat = graph.add("flatten", Flatten{}, {graph.add("relu", Relu{}, {x})});
      Weights weights = weights_of(Tensor::from({1, length}, std::vector<float>(static_cast<std::size_t>(length))));
      graph.mark_output(graph.add("hidden", Linear{1, Activation::relu}, {flat}, weights));
      graph.calibrate(flat, fine);
      const bool fits = lay_out(graph, {.int8 = true}).buffers[index_of(flat)].dtype == DType::u8;
      CHECK(fits == (length == longest_integer_row));
    }
  }
}

TEST_CASE("a layer without a scale computes on what its input stands for") {
  if (skipped()) return;
  // `second` rounds to bf16 what `first` gives and its weights, where the CPU has it: sums of 33 products of what is
  // below 40 and weights below 2.
  for (const bool integers : {false, true}) {
    const Classifier net(3, integers, false);
    const test::Outputs outputs = test::run(test::cpu(DType::i8), net.graph, std::vector{net.x});
    std::vector<float> values(net.x.as<float>().begin(), net.x.as<float>().end());
    for (float& value : values) value = std::max(value, 0.0f);
    const std::vector<float> hidden = linear_relu(values, net.first), expected = linear_relu(hidden, net.second);
    const float largest = *std::ranges::max_element(hidden);
    test::check_close(
        outputs[0], expected, [&](std::size_t) { return 33 * 127 * fine * largest * 2 * 0x1p-8; }, "second");
  }
}

TEST_CASE("what was not calibrated runs in the usual precision") {
  if (skipped()) return;
  Net net;
  const ValueId x = net.input("x", {1, 8, 6, 6});
  net.graph.calibrate(x, fine);
  const ValueId a = net.conv("a", x, square(8, 3));
  const ValueId sum = net.add("sum", net.graph.add("avg", AdaptiveAvgPool{{6, 6}}, {a}), net.relu("relu", a));
  net.output(net.conv("b", sum, square(4, 1)));
  const Layout layout = lay_out(optimize(net.graph), {.precision = DType::bf16, .int8 = true});
  CHECK(layout.buffers[0].dtype == DType::i8);
  CHECK(layout.buffers[1].dtype == DType::bf16);
  const Tensor values = ref::random_tensor({1, 8, 6, 6}, 1);
  // Two roundings of the operands and one of each stored result, of sums that stay below 8.
  const double tolerance = cpu_facts().fast_bf16 ? 8 * 8 * 0x1p-8 : 8 * 0x1p-7;
  const auto expected = test::run(test::cpu(), net.graph, std::vector{values});
  const auto actual = test::run(test::cpu(DType::i8), net.graph, std::vector{values});
  test::check_close(
      std::span(actual[0]), std::span(expected[0]), [&](std::size_t) { return tolerance; }, "b");
}

TEST_CASE("int8 needs scales") {
  if (skipped()) return;
  Net net;
  net.output(net.conv("conv", net.input("x", {1, 3, 4, 4}), square(4, 1)));
  CHECK_THROWS_WITH_AS(test::cpu(DType::i8).compile(net.graph),
                       "int8 needs a network with the scales of its activations; this one has none", Error);
}

}  // namespace giemsa
