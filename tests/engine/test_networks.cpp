// Pieces of networks, with and without the passes, against the references run node by node.
#include "engine/passes/passes.h"
#include "tests/engine/building.h"
#include "tests/engine/error_bound.h"
#include "tests/engine/running.h"
#include "tests/ops/compare.h"

namespace giemsa {

namespace {

using test::Net;
using test::square;

void check_network(const std::string& name, const Graph& graph, DType precision) {
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs())
    inputs.push_back(ref::random_tensor(graph[id].type.shape, 1000 + index_of(id)));
  const std::vector<test::Bounded> expected = test::evaluate(graph, inputs, precision);
  for (const bool optimized : {true, false}) {
    const test::Outputs outputs = test::run(test::cpu(precision), graph, inputs, optimized);
    REQUIRE(outputs.size() == graph.outputs().size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const test::Bounded& bounded = expected[index_of(graph.outputs()[i])];
      CHECK_MESSAGE(test::slack(bounded) < 0.5, "the bound allows almost anything");
      test::check_close(
          outputs[i], std::span(bounded.value), [&](std::size_t k) { return bounded.error[k]; },
          cat("output ", i, optimized ? ", optimised" : ", as built", ", ", precision,
              "; rerun: test_engine -tc='networks*' -sc='", name, "'"));
    }
  }
}

/// A ResNet stage: a bottleneck whose shortcut is a convolution, then one whose shortcut is the input.
ValueId bottleneck(Net& net, const std::string& name, ValueId x, std::int64_t stride, bool downsample) {
  ValueId y = net.relu(name + ".relu1", net.norm(name + ".bn1", net.conv(name + ".conv1", x, square(4, 1))));
  y = net.relu(name + ".relu2", net.norm(name + ".bn2", net.conv(name + ".conv2", y, square(4, 3, stride))));
  y = net.norm(name + ".bn3", net.conv(name + ".conv3", y, square(16, 1)));
  if (downsample) x = net.norm(name + ".downsample.1", net.conv(name + ".downsample.0", x, square(16, 1, stride)));
  return net.relu(name + ".relu3", net.add(name + ".add", y, x));
}

ValueId conv_norm_relu(Net& net, const std::string& name, ValueId x, const Conv2d& op) {
  return net.relu(name + ".relu", net.norm(name + ".bn", net.conv(name + ".conv", x, op)));
}

struct Network {
  std::string name;
  Graph graph;
};

std::vector<Network> networks() {
  std::vector<Network> all;
  const auto build = [&](const std::string& name, auto body) {
    Net net;
    body(net);
    all.push_back({name, net.graph});
  };
  build("bottleneck with downsample", [](Net& net) {
    net.output(bottleneck(net, "layer", net.input("x", {2, 8, 9, 7}), 2, true));
  });
  build("bottleneck without downsample", [](Net& net) {
    net.output(bottleneck(net, "layer", net.relu("relu", net.input("x", {1, 16, 7, 5})), 1, false));
  });
  build("aspp", [](Net& net) {
    const ValueId x = net.input("x", {1, 5, 7, 5});
    std::vector<ValueId> branches{conv_norm_relu(net, "b0", x, square(4, 1))};
    for (const std::int64_t rate : {2, 4, 12})
      branches.push_back(conv_norm_relu(net, cat("b", rate), x, square(4, 3, 1, rate)));
    const ValueId pool = net.graph.add("pool", AdaptiveAvgPool{}, {x});
    const ValueId pooled = conv_norm_relu(net, "b5", pool, square(4, 1));
    branches.push_back(net.graph.add("broadcast", Upsample{{7, 5}}, {pooled}));
    net.output(conv_norm_relu(net, "project", net.concat("concat", branches), square(5, 1)));
  });
  build("decoder", [](Net& net) {
    const ValueId low = conv_norm_relu(net, "low", net.input("low_level_features", {1, 8, 7, 9}), square(3, 1));
    const ValueId joined = net.concat("concat", {net.input("up", {1, 8, 7, 9}), low});
    net.output(net.conv("classifier", joined, square(2, 1), true));
  });
  build("depthwise separable", [](Net& net) {
    Conv2d depthwise = square(17, 3, 1, 2);
    depthwise.groups = 17;
    const ValueId y = net.norm("bn0", net.conv("depthwise", net.input("x", {1, 17, 7, 7}), depthwise));
    net.output(conv_norm_relu(net, "pointwise", y, square(5, 1)));
  });
  build("a stem and a concat of two", [](Net& net) {
    const ValueId x = net.input("x", {2, 3, 33, 29});
    const Conv2d op{.out_channels = 18, .kernel = {11, 11}, .stride = {4, 4}, .padding = {2, 2}};
    net.output(net.concat("concat", {conv_norm_relu(net, "a", x, op), conv_norm_relu(net, "b", x, op)}));
  });
  build("the same value twice in a concat", [](Net& net) {
    const ValueId y = net.conv("conv", net.input("x", {1, 4, 5, 5}), square(3, 1));
    net.output(net.concat("concat", {y, y}));
  });
  build("a concat of a concat and an input", [](Net& net) {
    const ValueId x = net.input("x", {1, 4, 5, 5}), y = net.conv("conv", x, square(3, 1));
    net.output(net.concat("outer", {net.concat("inner", {y, x}), x, net.relu("relu", x)}));
  });
  build("one value in two concats", [](Net& net) {
    const ValueId x = net.input("x", {1, 4, 5, 5}), y = net.conv("conv", x, square(3, 1));
    const ValueId z = net.relu("relu", x);
    net.output(net.concat("first", {y, z}));
    net.output(net.concat("second", {z, y}));
  });
  build("an output inside a concat", [](Net& net) {
    const ValueId x = net.input("x", {1, 4, 5, 5});
    const ValueId y = net.conv("conv", x, square(3, 1)), z = net.conv("other", x, square(5, 1));
    net.output(y);
    net.output(net.conv("last", net.concat("concat", {y, z}), square(2, 1)));
  });
  build("a guest of a concat that outlives it", [](Net& net) {
    const ValueId x = net.input("x", {1, 4, 5, 5}), y = net.conv("conv", x, square(4, 1));
    const ValueId joined = net.concat("concat", {y, net.relu("relu", x)});
    ValueId z = net.conv("narrow", joined, square(4, 1));
    // Larger than all else, so that it lies over whatever is not alive meanwhile.
    z = net.graph.add("large", AdaptiveAvgPool{{64, 64}}, {z});
    z = net.graph.add("small", AdaptiveAvgPool{{5, 5}}, {z});
    net.output(net.add("sum", y, z));
  });
  build("a guest that a residual convolution reads", [](Net& net) {
    const ValueId x = net.input("x", {1, 4, 5, 5}), y = net.conv("conv", x, square(4, 1));
    const ValueId joined = net.concat("concat", {y, net.relu("relu", x)});
    const ValueId sum = net.add("sum", y, net.conv("host", x, square(4, 1)));
    net.output(net.concat("all", {sum, joined}));
  });
  build("a residual that is read again", [](Net& net) {
    const ValueId x = net.input("x", {1, 4, 5, 5}), y = net.relu("relu", x);
    const ValueId sum = net.add("sum", y, net.conv("host", x, square(4, 1)));
    net.output(net.concat("both", {sum, y}));
  });
  build("a residual that is an output", [](Net& net) {
    const ValueId x = net.input("x", {1, 4, 5, 5}), y = net.relu("relu", x);
    net.output(y);
    net.output(net.add("sum", y, net.conv("host", x, square(4, 1))));
  });
  build("a residual that is the convolution's own input", [](Net& net) {
    const ValueId y = net.relu("relu", net.input("x", {1, 4, 5, 5}));
    net.output(net.add("sum", y, net.conv("host", y, square(4, 3))));
  });
  build("a chain of residuals", [](Net& net) {
    ValueId y = net.relu("relu", net.input("x", {1, 4, 5, 5}));
    const ValueId side = net.input("side", {1, 4, 5, 5});
    for (int i = 0; i < 3; ++i) y = net.add(cat("sum", i), y, net.conv(cat("host", i), side, square(4, 1)));
    net.output(y);
  });
  build("an add of a value with itself", [](Net& net) {
    const ValueId y = net.conv("conv", net.input("x", {1, 4, 5, 5}), square(4, 1));
    net.output(net.add("sum", y, y));
  });
  build("an input that is first read late", [](Net& net) {
    const ValueId x = net.input("x", {1, 8, 9, 9});
    const ValueId y = net.relu("relu2", net.relu("relu1", net.relu("relu0", x)));
    net.output(net.add("sum", y, net.input("late", {1, 8, 9, 9})));
  });
  build("an input that is an output", [](Net& net) {
    const ValueId x = net.input("x", {1, 3, 5, 5});
    net.output(x);
    net.output(net.relu("relu", x));
  });
  return all;
}

}  // namespace

TEST_CASE("networks in fp32") {
  for (const Network& network : networks()) SUBCASE(network.name.c_str()) {
      check_network(network.name, network.graph, DType::f32);
    }
}

TEST_CASE("networks in bf16") {
  if (!cpu_facts().fast_bf16) {
    MESSAGE("skipped: this CPU lacks AVX512_BF16");
    return;
  }
  for (const Network& network : networks()) SUBCASE(network.name.c_str()) {
      check_network(network.name, network.graph, DType::bf16);
    }
}

// Equal but where the upsampled logit is so near the threshold that rounding decides.
TEST_CASE("a fused upsampling and threshold makes the mask of the two apart") {
  for (const std::int64_t channels : {1, 2}) {
    for (const bool align_corners : {false, true}) {
      CAPTURE(channels);
      CAPTURE(align_corners);
      Net net;
      const ValueId x = net.input("x", {1, channels, 7, 9});
      const ValueId up = net.graph.add("up", Upsample{{31, 33}, align_corners}, {x});
      net.output(net.graph.add("mask", Threshold{}, {up}));
      const Tensor logits = ref::random_tensor({1, channels, 7, 9}, 5);
      const void* input = logits.bytes().data();
      const auto fused = test::cpu().compile(net.graph), apart = test::cpu().compile(net.graph, false);
      REQUIRE(fused->graph().nodes().size() == 2);
      fused->run({&input, 1});
      apart->run({&input, 1});
      const test::Outputs upsampled = [&] {
        Graph only_up = net.graph;
        only_up.mark_output(up);
        const auto session = test::cpu().compile(only_up, false);
        session->run({&input, 1});
        const auto values = session->output<float>(1);
        return test::Outputs{{values.begin(), values.end()}};
      }();
      int wrong = 0, set = 0;
      const auto a = fused->output<std::uint8_t>(), b = apart->output<std::uint8_t>();
      for (std::size_t i = 0; i < a.size(); ++i) {
        const float margin = channels == 1 ? upsampled[0][i] : upsampled[0][a.size() + i] - upsampled[0][i];
        // Four products, each of a weight from a rounded coordinate below 16 and a logit of at most 1.
        const bool decided = std::abs(margin) > 2 * 4 * 16 * 0x1p-24f;
        wrong += decided && (a[i] != b[i] || a[i] != (margin > 0));
        set += a[i];
      }
      CHECK(wrong == 0);
      CHECK(set > 0);
      CHECK(set < static_cast<int>(a.size()));
    }
  }
}

// Their kernels write dense pictures only.
TEST_CASE("what is made of a frame can be an input of a concat") {
  Graph graph;
  const ValueId frame = graph.input("frame", {DType::u8, {1, 6, 8, 3}});
  const ValueId boxes = graph.input("boxes", {DType::i32, {1, 4}});
  Preprocess dark{{4, 5}};
  dark.mean = {0.9f, 0.8f, 0.7f};
  const ValueId whole = graph.add("whole", dark, {frame});
  const ValueId crop = graph.add("crop", CropResize{{4, 5}}, {frame, boxes});
  const ValueId norm = graph.add("lrn", Lrn{}, {whole});
  const ValueId wide = graph.add("wide", Upsample{{4, 5}}, {graph.add("pool", AdaptiveAvgPool{{2, 2}}, {crop})});
  graph.mark_output(graph.add("concat", Concat{}, {whole, crop, norm, wide}));

  const auto pixels = test::Random(7).integers<std::uint8_t>(6 * 8 * 3);
  const std::vector<Tensor> inputs{Tensor::from(DType::u8, {1, 6, 8, 3}, pixels),
                                   Tensor::from<std::int32_t>(DType::i32, {1, 4}, {1, 2, 5, 3})};
  const test::Outputs joined = test::run(test::cpu(), graph, inputs);
  for (const ValueId id : {whole, crop, norm, wide}) graph.mark_output(id);  // outputs get no place in the concat
  test::Outputs apart = test::run(test::cpu(), graph, inputs);
  CHECK(apart[0] == joined[0]);
  std::vector<float> expected;
  for (std::size_t i = 1; i < apart.size(); ++i) expected.insert(expected.end(), apart[i].begin(), apart[i].end());
  CHECK(joined[0] == expected);
}

}  // namespace giemsa
