// Building graphs: what is appended, which shapes come out, and what the errors say.
#include "engine/graph/graph.h"

#include <doctest/doctest.h>

#include "tests/engine/building.h"
#include "tests/engine/error_text.h"
#include "tests/ops/max_pool_cases.h"

namespace giemsa {

namespace {

Tensor zeros(Shape shape) {
  return Tensor::from(shape, std::vector<float>(static_cast<std::size_t>(shape.volume())));
}

TensorType f32(Shape shape) {
  return {DType::f32, shape};
}

/// The type that `op` called "layer" gives, from inputs of these types.
TensorType type_of(const Op& op, const std::vector<TensorType>& inputs, const Weights& weights = {}) {
  Graph graph;
  std::vector<ValueId> ids;
  for (const TensorType& type : inputs) ids.push_back(graph.input(cat("input", ids.size()), type));
  return graph[graph.add("layer", op, ids, weights)].type;
}

/// Its error, which has to name layer and op.
template <class... Parts>
bool refused(const Op& op, const std::vector<TensorType>& inputs, const Weights& weights, const Parts&... parts) {
  const std::string text = test::error_of(ErrorKind::model, [&] { (void)type_of(op, inputs, weights); });
  return test::contains(text, "layer layer (" + std::string(name_of(op)) + "): ", parts...);
}

Weights conv_weights(Shape weight, std::int64_t bias = 0) {
  Weights weights;
  weights.weight = zeros(weight);
  if (bias > 0) weights.bias = zeros({bias});
  return weights;
}

Weights norm_weights(std::int64_t channels) {
  Weights weights;
  weights.weight = weights.bias = weights.running_mean = weights.running_var = zeros({channels});
  return weights;
}

const TensorType frame{DType::u8, {1, 30, 40, 3}};
const TensorType mask{DType::u8, {1, 1, 30, 40}};
const TensorType labels{DType::i32, {1, 1, 30, 40}};

}  // namespace

TEST_CASE("a graph keeps nodes, inputs and outputs in order") {
  test::Net net;
  const ValueId x = net.input("x", {1, 3, 8, 8}), y = net.input("y", {1, 4, 8, 8});
  const ValueId conv = net.conv("conv", x, test::square(4, 3));
  const ValueId sum = net.add("sum", conv, y);
  net.graph.mark_output(sum);
  net.graph.mark_output(conv);
  CHECK(net.graph.nodes().size() == 4);
  CHECK(std::ranges::equal(net.graph.inputs(), std::vector{x, y}));
  CHECK(std::ranges::equal(net.graph.outputs(), std::vector{sum, conv}));
  CHECK(net.graph.is_output(conv));
  CHECK_FALSE(net.graph.is_output(x));
  CHECK(net.graph.producer_of(sum).inputs == std::vector{conv, y});
  CHECK(net.graph[sum].name == "sum");
  CHECK(net.graph.find("conv") == conv);
  CHECK_FALSE(net.graph.find("con"));
  CHECK(reader_counts(net.graph) == std::vector{1, 1, 2, 1});  // an output is a reader more
}

TEST_CASE("names are unique") {
  Graph graph;
  const ValueId x = graph.input("x", f32({1, 3, 8, 8}));
  CHECK(test::contains(test::error_of(ErrorKind::internal, [&] { graph.input("x", f32({1})); }), "'x'"));
  CHECK(test::contains(test::error_of(ErrorKind::internal, [&] { graph.add("x", Relu{}, {x}); }), "'x'"));
  CHECK(graph.nodes().size() == 1);
}

TEST_CASE("a node reads earlier nodes only") {
  Graph graph;
  graph.input("x", f32({1, 3, 8, 8}));
  CHECK(test::contains(test::error_of(ErrorKind::internal, [&] { graph.add("r", Relu{}, {ValueId{1}}); }), "layer r"));
}

TEST_CASE("conv2d shapes") {
  const Conv2d stem{.out_channels = 64, .kernel = {7, 7}, .stride = {2, 2}, .padding = {3, 3}};
  CHECK(type_of(stem, {f32({1, 3, 224, 224})}, conv_weights({64, 3, 7, 7})) == f32({1, 64, 112, 112}));
  CHECK(type_of(stem, {f32({1, 3, 227, 227})}, conv_weights({64, 3, 7, 7})) == f32({1, 64, 114, 114}));
  const Conv2d atrous{.out_channels = 8, .kernel = {3, 3}, .padding = {36, 36}, .dilation = {36, 36}};
  CHECK(type_of(atrous, {f32({2, 4, 14, 14})}, conv_weights({8, 4, 3, 3}, 8)) == f32({2, 8, 14, 14}));
  const Conv2d grouped{.out_channels = 6, .kernel = {3, 1}, .groups = 2};
  CHECK(type_of(grouped, {f32({1, 4, 5, 7})}, conv_weights({6, 2, 3, 1})) == f32({1, 6, 3, 7}));
}

TEST_CASE("conv2d errors") {
  const Conv2d op{.out_channels = 8, .kernel = {3, 3}};
  const Weights weights = conv_weights({8, 4, 3, 3});
  const std::vector<TensorType> good{f32({1, 4, 5, 5})};
  CHECK(refused(op, {}, weights, "input 0 is missing"));
  CHECK(refused(op, {f32({1, 4})}, weights, "rank 4", "{1,4}"));
  CHECK(refused(op, {mask}, weights, "fp32", "uint8"));
  CHECK(refused(op, good, {}, "weight is missing", "{8,4,3,3}"));
  CHECK(refused(op, {f32({1, 5, 5, 5})}, weights, "weight has shape {8,4,3,3}", "expected {8,5,3,3}"));
  CHECK(refused(op, good, conv_weights({8, 4, 3, 3}, 7), "bias has shape {7}", "expected {8}"));
  CHECK(refused(op, {f32({1, 4, 5, 2})}, weights, "input of 2", "reach of 3"));
  CHECK(refused(op, {good[0], good[0]}, weights, "takes 1 inputs, has 2"));
  CHECK(refused(Conv2d{.out_channels = 9, .kernel = {3, 3}, .groups = 2}, good, weights, "4 -> 9", "2 groups"));
  CHECK(refused(Conv2d{.out_channels = 8, .kernel = {3, 3}, .groups = 3}, good, weights, "4 -> 8", "3 groups"));
  CHECK(refused(Conv2d{.out_channels = 8, .kernel = {0, 3}}, good, weights, "must be positive"));
  CHECK(refused(Conv2d{.out_channels = 8, .kernel = {3, 3}, .stride = {1, 0}}, good, weights, "must be positive"));
  CHECK(refused(Conv2d{.out_channels = 8, .kernel = {3, 3}, .dilation = {0, 1}}, good, weights, "must be positive"));
  CHECK(refused(Conv2d{.out_channels = 8, .kernel = {3, 3}, .groups = 0}, good, weights, "must be positive"));
}

TEST_CASE("a residual has the shape of the convolution's output") {
  const Conv2d op{.out_channels = 8, .kernel = {3, 3}, .residual = true};
  const Weights weights = conv_weights({8, 4, 3, 3});
  CHECK(type_of(op, {f32({1, 4, 5, 5}), f32({1, 8, 3, 3})}, weights) == f32({1, 8, 3, 3}));
  CHECK(refused(op, {f32({1, 4, 5, 5})}, weights, "takes 2 inputs, has 1"));
  CHECK(refused(op, {f32({1, 4, 5, 5}), f32({1, 8, 5, 5})}, weights, "residual {1,8,5,5}", "{1,8,3,3}"));
}

TEST_CASE("batch_norm and the element-wise ops keep the shape") {
  const TensorType x = f32({2, 5, 3, 4});
  CHECK(type_of(BatchNorm{}, {x}, norm_weights(5)) == x);
  CHECK(refused(BatchNorm{}, {x}, norm_weights(6), "weight has shape {6}", "expected {5}"));
  CHECK(refused(BatchNorm{.eps = 0}, {x}, norm_weights(5), "eps"));
  for (const auto role : {&Weights::weight, &Weights::bias, &Weights::running_mean, &Weights::running_var}) {
    Weights weights = norm_weights(5);
    weights.*role = Tensor();
    CHECK(refused(BatchNorm{}, {x}, weights, "is missing, expected shape {5}"));
  }
  CHECK(type_of(Relu{}, {x}) == x);
  CHECK(refused(Relu{}, {x, x}, {}, "takes 1 inputs, has 2"));
  CHECK(type_of(Add{}, {x, x}) == x);
  CHECK(refused(Add{}, {x}, {}, "takes 2 inputs, has 1"));
  CHECK(refused(Add{}, {x, f32({2, 5, 4, 3})}, {}, "{2,5,3,4}", "{2,5,4,3}"));
  CHECK(type_of(Lrn{}, {x}) == x);
  CHECK(refused(Lrn{.size = 4}, {x}, {}, "odd", "4"));
}

TEST_CASE("pool shapes are PyTorch's") {
  for (const test::MaxPoolCase& item : test::max_pool_cases()) {
    CAPTURE(item.name);
    CHECK(type_of(item.op, {f32(item.input)}) == f32({item.input[0], item.input[1], item.output.h, item.output.w}));
  }
  CHECK(refused(MaxPool{{3, 3}, {2, 2}, {2, 2}}, {f32({1, 1, 9, 9})}, {}, "padding"));
  CHECK(refused(MaxPool{{3, 3}, {0, 2}}, {f32({1, 1, 9, 9})}, {}, "positive"));
  CHECK(refused(MaxPool{{3, 3}, {2, 2}}, {f32({1, 1, 2, 9})}, {}, "input of 2"));
  CHECK(type_of(AdaptiveAvgPool{{6, 5}}, {f32({2, 3, 1, 9})}) == f32({2, 3, 6, 5}));
  CHECK(refused(AdaptiveAvgPool{{0, 1}}, {f32({2, 3, 1, 9})}, {}, "positive"));
}

TEST_CASE("rows: flatten, linear and softmax") {
  CHECK(type_of(Flatten{}, {f32({2, 256, 6, 6})}) == f32({2, 9216}));
  CHECK(refused(Flatten{}, {f32({2, 9216})}, {}, "rank 4"));
  CHECK(type_of(Linear{5}, {f32({3, 7})}, conv_weights({5, 7}, 5)) == f32({3, 5}));
  CHECK(refused(Linear{5}, {f32({3, 7})}, conv_weights({5, 8}), "weight has shape {5,8}", "expected {5,7}"));
  CHECK(refused(Linear{5}, {f32({3, 7})}, conv_weights({5, 7}, 4), "bias has shape {4}", "expected {5}"));
  Weights int8;
  int8.weight = Tensor::from<std::int8_t>(DType::i8, {5, 7}, std::vector<std::int8_t>(35));
  CHECK(refused(Linear{5}, {f32({3, 7})}, int8, "weight_scale is missing", "{5}"));
  int8.scale = zeros({5});
  CHECK(type_of(Linear{5}, {f32({3, 7})}, int8) == f32({3, 5}));
  CHECK(type_of(Softmax{}, {f32({3, 7})}) == f32({3, 7}));
  CHECK(refused(Softmax{}, {f32({1, 3, 1, 1})}, {}, "rank 2", "{1,3,1,1}"));
}

TEST_CASE("concat adds channels") {
  CHECK(type_of(Concat{}, {f32({1, 48, 7, 5}), f32({1, 256, 7, 5})}) == f32({1, 304, 7, 5}));
  CHECK(refused(Concat{}, {}, {}, "nothing to concatenate"));
  CHECK(refused(Concat{}, {f32({1, 48, 7, 5}), f32({1, 8, 7, 6})}, {}, "{1,48,7,5}", "{1,8,7,6}"));
  CHECK(refused(Concat{}, {f32({1, 48, 7, 5}), f32({2, 8, 7, 5})}, {}, "{2,8,7,5}"));
  CHECK(refused(Concat{}, {f32({1, 48, 7, 5}), mask}, {}, "input 1", "uint8"));
}

TEST_CASE("upsampling and masks") {
  CHECK(type_of(Upsample{{9, 7}}, {f32({2, 5, 3, 3})}) == f32({2, 5, 9, 7}));
  CHECK(refused(Upsample{{0, 7}}, {f32({2, 5, 3, 3})}, {}, "positive"));
  CHECK(refused(Upsample{{9, 7}, true, EdgeMode::zero}, {f32({2, 5, 3, 3})}, {}, "align_corners"));
  CHECK(type_of(Threshold{}, {f32({1, 2, 3, 4})}) == TensorType{DType::u8, {1, 1, 3, 4}});
  CHECK(refused(Threshold{}, {f32({2, 2, 3, 4})}, {}, "one image", "2"));
  CHECK(refused(Threshold{1.0f}, {f32({1, 2, 3, 4})}, {}, "between 0 and 1", "is 1"));
  CHECK(type_of(UpsampleThreshold{{30, 40}}, {f32({1, 1, 3, 4})}) == mask);
  CHECK(refused(UpsampleThreshold{{30, 0}}, {f32({1, 1, 3, 4})}, {}, "positive"));
}

TEST_CASE("frames in, regions out") {
  CHECK(type_of(Preprocess{{224, 226}}, {frame}) == f32({1, 3, 224, 226}));
  CHECK(refused(Preprocess{{224, 224}}, {f32({1, 3, 30, 40})}, {}, "uint8 {1,H,W,3}", "fp32 {1,3,30,40}"));
  CHECK(refused(Preprocess{{224, 224}}, {{DType::u8, {1, 0, 40, 3}}}, {}, "{1,0,40,3}"));
  CHECK(type_of(FillHoles{}, {mask}) == mask);
  CHECK(type_of(AreaOpen{}, {mask}) == mask);
  CHECK(refused(AreaOpen{-1}, {mask}, {}, "min_area", "-1"));
  CHECK(type_of(Components{}, {mask}) == labels);
  CHECK(refused(Components{}, {labels}, {}, "uint8", "int32"));
  CHECK(type_of(Regions{12}, {labels}) == TensorType{DType::i32, {13, 10}});
  CHECK(refused(Regions{12}, {mask}, {}, "int32", "uint8"));
  CHECK(refused(Regions{-1}, {labels}, {}, "capacity"));
  const TensorType boxes{DType::i32, {9, 4}};
  CHECK(type_of(CropResize{{224, 225}}, {frame, boxes}) == f32({9, 3, 224, 225}));
  CHECK(refused(CropResize{{224, 224}}, {frame}, {}, "takes 2 inputs, has 1"));
  CHECK(refused(CropResize{{224, 224}}, {frame, {DType::i32, {9, 5}}}, {}, "{B,4}", "{9,5}"));
}

TEST_CASE("cost counts each byte once and two FLOPs a multiply-add") {
  test::Net net;
  const ValueId x = net.input("x", {1, 4, 8, 8});
  const ValueId conv = net.conv("conv", x, {.out_channels = 6, .kernel = {3, 3}, .groups = 2}, true);
  const Cost cost = cost_of(net.graph, net.graph.producer_of(conv));
  CHECK(cost.parameters == 6 * 2 * 9 + 6);
  CHECK(cost.flops == 2.0 * 6 * 6 * 6 * 2 * 9);
  CHECK(cost.bytes == 4.0 * (4 * 64 + 6 * 36 + 6 * 2 * 9 + 6));
  CHECK(cost_of(net.graph, net.graph.producer_of(x)).bytes == 0);
}

TEST_CASE("an input is no op to add") {
  CHECK(refused(Input{}, {}, {}, "input"));
}

}  // namespace giemsa
