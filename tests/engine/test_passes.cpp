// Each pass on small graphs: what it fuses, and what it must leave alone.
#include "engine/passes/passes.h"

#include <doctest/doctest.h>

#include "tests/engine/building.h"

namespace giemsa {

namespace {

using test::names_of;
using test::Net;
using Names = std::vector<std::string>;

const Node& node_called(const Graph& graph, std::string_view name) {
  return graph[test::node_called(graph, name)];
}

/// Names of what `node` reads.
Names sources_of(const Graph& graph, const Node& node) {
  Names names;
  for (const ValueId id : node.inputs) names.push_back(graph[id].name);
  return names;
}

const Conv2d plain = test::square(8, 3);

}  // namespace

TEST_CASE("drop_unread: what no output needs is gone, inputs and what is read stay") {
  Net net;
  const ValueId x = net.input("x", {1, 4, 5, 5});
  net.input("unread", {1, 4, 5, 5});
  const ValueId trunk = net.conv("trunk", x, plain);
  net.relu("branch end", net.conv("branch", trunk, plain));
  const ValueId result = net.relu("result", trunk);
  net.relu("behind", result);
  CHECK(names_of(drop_unread(net.output(result))) == Names{"x", "unread", "trunk", "result"});
  net.graph.mark_output(*net.graph.find("branch end"));
  CHECK(names_of(drop_unread(net.graph)) == Names{"x", "unread", "trunk", "branch", "branch end", "result"});
}

TEST_CASE("fold_batch_norm: conv -> norm becomes one conv with the norm's value") {
  Net net;
  const ValueId conv = net.conv("conv", net.input("x", {1, 4, 5, 5}), plain);
  const Graph folded = fold_batch_norm(net.output(net.norm("norm", conv)));
  CHECK(names_of(folded) == Names{"x", "conv -> norm"});
  const Node& node = node_called(folded, "conv");
  REQUIRE(node.weights[0].norm.has_value());
  const Weights& norm = node_called(net.graph, "norm").weights[0];
  CHECK(node.weights[0].norm->gamma.bytes().data() == norm.weight.bytes().data());
  CHECK(node.weights[0].norm->beta.bytes().data() == norm.bias.bytes().data());
  CHECK(node.weights[0].norm->mean.bytes().data() == norm.running_mean.bytes().data());
  CHECK(node.weights[0].norm->var.bytes().data() == norm.running_var.bytes().data());
  CHECK(folded.is_output(*folded.find("norm")));
}

TEST_CASE("fold_batch_norm leaves alone") {
  Net net;
  const ValueId x = net.input("x", {1, 8, 5, 5});
  Names unchanged;
  SUBCASE("a convolution that something else reads too") {
    const ValueId conv = net.conv("conv", x, plain);
    net.output(net.add("sum", net.norm("norm", conv), conv));
    unchanged = {"x", "conv", "norm", "sum"};
  }
  SUBCASE("a convolution that is an output") {
    const ValueId conv = net.conv("conv", x, plain);
    net.output(conv);
    net.output(net.norm("norm", conv));
    unchanged = {"x", "conv", "norm"};
  }
  SUBCASE("a convolution with an activation") {
    Conv2d op = plain;
    op.activation = Activation::relu;
    net.output(net.norm("norm", net.conv("conv", x, op)));
    unchanged = {"x", "conv", "norm"};
  }
  SUBCASE("a convolution with a residual") {
    Conv2d op = plain;
    op.residual = true;
    net.output(net.norm("norm", net.conv("conv", x, op, false, x)));
    unchanged = {"x", "conv", "norm"};
  }
  SUBCASE("a norm after something else") {
    net.output(net.norm("norm", net.relu("relu", x)));
    unchanged = {"x", "relu", "norm"};
  }
  CHECK(names_of(fold_batch_norm(net.graph)) == unchanged);
}

TEST_CASE("fold_batch_norm: of two norms in a row the first goes in") {
  Net net;
  const ValueId conv = net.conv("conv", net.input("x", {1, 4, 5, 5}), plain);
  const Graph folded = fold_batch_norm(net.output(net.norm("second", net.norm("first", conv))));
  CHECK(names_of(folded) == Names{"x", "conv -> first", "second"});
  CHECK(names_of(fold_batch_norm(folded)) == Names{"x", "conv -> first", "second"});
}

TEST_CASE("fuse_activation: into conv, add and linear") {
  Net net;
  const ValueId x = net.input("x", {1, 8, 1, 1});
  const ValueId conv = net.relu("conv.relu", net.conv("conv", x, plain));
  const ValueId sum = net.relu("sum.relu", net.add("sum", conv, x));
  const ValueId rows = net.graph.add("flatten", Flatten{}, {sum});
  const Graph fused = fuse_activation(net.output(net.relu("linear.relu", net.linear("linear", rows, 3))));
  CHECK(names_of(fused) == Names{"x", "conv -> conv.relu", "sum -> sum.relu", "flatten", "linear -> linear.relu"});
  CHECK(std::get<Conv2d>(node_called(fused, "conv").op).activation == Activation::relu);
  CHECK(std::get<Add>(node_called(fused, "sum").op).activation == Activation::relu);
  CHECK(std::get<Linear>(node_called(fused, "linear").op).activation == Activation::relu);
}

TEST_CASE("fuse_activation: ReLU6 into conv alone, and no other ceiling into anything") {
  Net net;
  const ValueId x = net.input("x", {1, 8, 1, 1});
  const ValueId conv = net.relu("conv.relu6", net.conv("conv", x, plain), 6);
  const ValueId other = net.relu("other.relu3", net.conv("other", conv, plain), 3);
  const ValueId sum = net.relu("sum.relu6", net.add("sum", other, x), 6);
  const ValueId rows = net.graph.add("flatten", Flatten{}, {sum});
  const Graph fused = fuse_activation(net.output(net.relu("linear.relu6", net.linear("linear", rows, 3), 6)));
  CHECK(names_of(fused) == Names{"x", "conv -> conv.relu6", "other", "other.relu3", "sum", "sum.relu6", "flatten",
                                 "linear", "linear.relu6"});
  CHECK(std::get<Conv2d>(node_called(fused, "conv").op).activation == Activation::relu6);
  CHECK(describe(node_called(fused, "conv").op).ends_with(" relu6"));
  CHECK(std::get<Relu>(node_called(fused, "other.relu3").op).ceiling == 3);
}

TEST_CASE("fuse_activation leaves alone") {
  Net net;
  const ValueId x = net.input("x", {1, 8, 5, 5});
  Names unchanged;
  SUBCASE("a result that something else reads too") {
    const ValueId conv = net.conv("conv", x, plain);
    net.output(net.add("sum", net.relu("relu", conv), conv));
    unchanged = {"x", "conv", "relu", "sum"};
  }
  SUBCASE("a result that is an output") {
    const ValueId conv = net.conv("conv", x, plain);
    net.output(conv);
    net.output(net.relu("relu", conv));
    unchanged = {"x", "conv", "relu"};
  }
  SUBCASE("ops without an activation") {
    const ValueId pool = net.graph.add("pool", MaxPool{{3, 3}, {2, 2}}, {net.norm("norm", x)});
    net.output(net.relu("relu", pool));
    unchanged = {"x", "norm", "pool", "relu"};
  }
  SUBCASE("the second relu in a row") {
    net.output(net.relu("second", net.relu("first", x)));
    unchanged = {"x", "first", "second"};
  }
  CHECK(names_of(fuse_activation(net.graph)) == unchanged);
}

TEST_CASE("fuse_residual: the later convolution takes the add and its activation") {
  Net net;
  const ValueId x = net.input("x", {1, 8, 5, 5});
  const ValueId first = net.conv("first", x, plain), second = net.conv("second", x, plain);
  for (const bool swapped : {false, true}) {
    CAPTURE(swapped);
    Net copy = net;
    const ValueId a = swapped ? second : first, b = swapped ? first : second;
    const Graph fused = fuse_residual(copy.output(copy.graph.add("sum", Add{Activation::relu}, {a, b})));
    CHECK(names_of(fused) == Names{"x", "first", "second -> sum"});
    const Node& host = node_called(fused, "second");
    CHECK(std::get<Conv2d>(host.op).residual);
    CHECK(std::get<Conv2d>(host.op).activation == Activation::relu);
    CHECK(sources_of(fused, host) == Names{"x", "first"});
  }
}

TEST_CASE("fuse_residual leaves alone") {
  Net net;
  const ValueId x = net.input("x", {1, 8, 5, 5});
  Names unchanged;
  SUBCASE("a convolution with its own relu") {
    Conv2d op = plain;
    op.activation = Activation::relu;
    net.output(net.add("sum", net.conv("conv", x, op), x));
    unchanged = {"x", "conv", "sum"};
  }
  SUBCASE("a convolution that something else reads too") {
    const ValueId conv = net.conv("conv", x, plain);
    net.output(net.add("sum", net.add("inner", conv, x), conv));
    unchanged = {"x", "conv", "inner", "sum"};
  }
  SUBCASE("a convolution that is an output") {
    const ValueId conv = net.conv("conv", x, plain);
    net.output(conv);
    net.output(net.add("sum", conv, x));
    unchanged = {"x", "conv", "sum"};
  }
  SUBCASE("the same value twice") {
    const ValueId conv = net.conv("conv", x, plain);
    net.output(net.add("sum", conv, conv));
    unchanged = {"x", "conv", "sum"};
  }
  SUBCASE("an earlier convolution, whose other operand is not there yet") {
    const ValueId conv = net.conv("conv", x, plain);
    net.output(net.add("sum", conv, net.relu("relu", x)));
    unchanged = {"x", "conv", "relu", "sum"};
  }
  SUBCASE("no convolution at all") {
    net.output(net.add("sum", net.relu("relu", x), x));
    unchanged = {"x", "relu", "sum"};
  }
  CHECK(names_of(fuse_residual(net.graph)) == unchanged);
}

TEST_CASE("fuse_residual: of two adds in a row each finds its own host, or none") {
  Net net;
  const ValueId x = net.input("x", {1, 8, 5, 5});
  const ValueId inner = net.add("inner", net.conv("first", x, plain), x);
  SUBCASE("the outer add has no convolution left") {
    const Graph fused = fuse_residual(net.output(net.add("outer", inner, x)));
    CHECK(names_of(fused) == Names{"x", "first -> inner", "outer"});
  }
  SUBCASE("the outer add has one of its own") {
    const Graph fused = fuse_residual(net.output(net.add("outer", inner, net.conv("second", x, plain))));
    CHECK(names_of(fused) == Names{"x", "first -> inner", "second -> outer"});
    CHECK(sources_of(fused, node_called(fused, "second")) == Names{"x", "inner"});
  }
}

TEST_CASE("fuse_upsample_threshold: clamped upsampling that only a threshold reads") {
  Net net;
  const ValueId x = net.input("x", {1, 2, 5, 5});
  const ValueId up = net.graph.add("up", Upsample{{20, 21}, true}, {x});
  const ValueId mask = net.graph.add("mask", Threshold{0.25f}, {up});
  SUBCASE("fuses") {
    const Graph fused = fuse_upsample_threshold(net.output(mask));
    CHECK(names_of(fused) == Names{"x", "mask"});
    const auto& op = std::get<UpsampleThreshold>(node_called(fused, "mask").op);
    CHECK(op.output == Size2{20, 21});
    CHECK(op.align_corners);
    CHECK(op.threshold == 0.25f);
  }
  SUBCASE("leaves an upsampling that is an output") {
    net.output(up);
    CHECK(names_of(fuse_upsample_threshold(net.output(mask))) == Names{"x", "up", "mask"});
  }
  SUBCASE("leaves an upsampling that two read") {
    net.output(mask);
    net.output(net.graph.add("other", Threshold{0.75f}, {up}));
    CHECK(names_of(fuse_upsample_threshold(net.graph)) == Names{"x", "up", "mask", "other"});
  }
}

TEST_CASE("fuse_upsample_threshold leaves zero edges") {
  Net net;
  const ValueId up = net.graph.add("up", Upsample{{20, 20}, false, EdgeMode::zero}, {net.input("x", {1, 2, 5, 5})});
  CHECK(names_of(fuse_upsample_threshold(net.output(net.graph.add("mask", Threshold{}, {up})))) ==
        Names{"x", "up", "mask"});
}

TEST_CASE("fuse_cleanup: three steps on a mask become one, under the labels' name") {
  Graph graph;
  const ValueId mask = graph.input("mask", {DType::u8, {1, 1, 8, 8}});
  const ValueId filled = graph.add("filled", FillHoles{}, {mask});
  const ValueId opened = graph.add("opened", AreaOpen{37}, {filled});
  const ValueId labels = graph.add("labels", Components{}, {opened});
  graph.mark_output(labels);
  SUBCASE("nobody looks between") {
    const Graph fused = fuse_cleanup(graph);
    CHECK(names_of(fused) == Names{"mask", "labels"});
    CHECK(std::get<CleanLabelMeasure>(node_called(fused, "labels").op).min_area == 37);
    CHECK(node_called(fused, "labels").outputs.size() == 1);
    CHECK(fused.is_output(*fused.find("labels")));
  }
  SUBCASE("its regions are measured in the same go") {
    const ValueId regions = graph.add("regions", Regions{12}, {labels});
    graph.mark_output(graph.add("frame_labels", ResizeLabels{{4, 4}}, {labels}));
    graph.mark_output(regions);
    const Graph fused = fuse_cleanup(graph);
    CHECK(names_of(fused) == Names{"mask", "labels -> regions", "frame_labels"});
    CHECK(std::get<CleanLabelMeasure>(node_called(fused, "labels").op).capacity == 12);
    CHECK(fused[*fused.find("regions")].type == TensorType{DType::i32, {13, 10}});
    CHECK(fused.is_output(*fused.find("regions")));
  }
  SUBCASE("the filled mask is an output") {
    graph.mark_output(filled);
    CHECK(names_of(fuse_cleanup(graph)) == names_of(graph));
  }
  SUBCASE("the opened mask has another reader") {
    graph.mark_output(graph.add("again", FillHoles{}, {opened}));
    CHECK(names_of(fuse_cleanup(graph)) == names_of(graph));
  }
}

TEST_CASE("concat_in_place: computed inputs get their channels") {
  Net net;
  const ValueId x = net.input("x", {1, 3, 5, 5});
  const ValueId a = net.conv("a", x, plain), b = net.relu("b", x);
  const ValueId joined = net.concat("joined", {a, x, b});
  const Graph placed = concat_in_place(net.output(joined));
  REQUIRE(placed[a].slot.has_value());
  CHECK(placed[a].slot->concat == joined);
  CHECK(placed[a].slot->channel == 0);
  CHECK_FALSE(placed[x].slot);  // the caller's
  REQUIRE(placed[b].slot.has_value());
  CHECK(placed[b].slot->channel == 11);
}

TEST_CASE("concat_in_place leaves alone") {
  Net net;
  const ValueId x = net.input("x", {1, 8, 5, 5}), conv = net.conv("conv", x, plain);
  SUBCASE("an output") {
    net.output(conv);
    net.output(net.concat("joined", {conv, x}));
    CHECK_FALSE(concat_in_place(net.graph)[conv].slot);
  }
  SUBCASE("the same value twice") {
    CHECK_FALSE(concat_in_place(net.output(net.concat("joined", {conv, conv})))[conv].slot);
  }
  SUBCASE("a concat") {
    const ValueId inner = net.concat("inner", {conv, x});
    const Graph placed = concat_in_place(net.output(net.concat("outer", {inner, x})));
    CHECK(placed[conv].slot->concat == inner);
    CHECK_FALSE(placed[inner].slot);
  }
  SUBCASE("a value that has a place already") {
    const ValueId first = net.concat("first", {conv, x});
    net.output(first);
    const Graph placed = concat_in_place(net.output(net.concat("second", {x, conv})));
    CHECK(placed[conv].slot->concat == first);
  }
}

TEST_CASE("passes keep stages, scales and slots") {
  Net net;
  const ValueId x = net.input("x", {1, 8, 6, 6});
  const ValueId y = net.relu("relu", net.norm("norm", net.conv("conv", x, plain)));
  net.graph.calibrate(y, 0.5f);
  net.graph.begin_stage();
  const ValueId pool = net.graph.add("pool", MaxPool{{1, 1}, {1, 1}}, {y});
  const Graph placed = concat_in_place(net.output(net.concat("joined", {pool, y})));
  const Graph fused = fuse_activation(fold_batch_norm(placed));
  CHECK(names_of(fused) == Names{"x", "conv -> relu", "pool", "joined"});
  CHECK(fused[*fused.find("relu")].int8_scale == 0.5f);
  CHECK(node_called(fused, "conv").stage == 0);
  CHECK(node_called(fused, "pool").stage == 1);
  CHECK(fused[*fused.find("pool")].slot == ConcatSlot{*fused.find("joined"), 0});
  CHECK(fused[*fused.find("relu")].slot == ConcatSlot{*fused.find("joined"), 8});
}

TEST_CASE("optimize: a bottleneck becomes its convolutions") {
  Net net;
  const ValueId x = net.input("x", {1, 8, 6, 6});
  ValueId y = net.relu("relu1", net.norm("bn1", net.conv("conv1", x, test::square(4, 1))));
  y = net.relu("relu2", net.norm("bn2", net.conv("conv2", y, test::square(4, 3, 2))));
  y = net.norm("bn3", net.conv("conv3", y, test::square(8, 1)));
  const ValueId skip = net.norm("downsample.1", net.conv("downsample.0", x, test::square(8, 1, 2)));
  const Graph optimal = optimize(net.output(net.relu("relu3", net.add("add", y, skip))));
  CHECK(names_of(optimal) == Names{"x", "conv1 -> relu1", "conv2 -> relu2", "conv3 -> bn3", "downsample.0 -> relu3"});
  CHECK(sources_of(optimal, node_called(optimal, "downsample.0")) == Names{"x", "bn3"});
  CHECK(names_of(optimize(optimal)) == names_of(optimal));
}

}  // namespace giemsa
