// Where backends put results: in-place residuals, slots of concats, storage types, lifetimes.
#include "engine/plan/layout.h"

#include <doctest/doctest.h>

#include <set>

#include "engine/passes/passes.h"
#include "tests/engine/building.h"

namespace giemsa {

namespace {

using test::Net;
using test::square;

/// A graph after the passes, and its layout.
struct Laid {
  Graph graph;
  Layout layout;

  explicit Laid(const Net& net, DType precision = DType::f32)
      : graph(optimize(net.graph)), layout(lay_out(graph, {.precision = precision})) {}

  std::size_t index(std::string_view node) const { return index_of(test::node_called(graph, node)); }
  const Buffer& buffer(std::string_view node) const {
    return layout.buffers[index_of(graph[test::node_called(graph, node)].output())];
  }
  bool in_place(std::string_view node) const { return layout.in_place[index(node)]; }
  const Lifetime& block_of(std::string_view node) const {
    return layout.blocks[static_cast<std::size_t>(buffer(node).block)];
  }
};

/// x -> relu -> y, and host(x) + y.
struct Residual {
  Net net;
  ValueId x = net.input("x", {1, 4, 5, 5});
  ValueId y = net.relu("y", x);
  ValueId host = net.conv("host", x, square(4, 3));
  ValueId sum = net.add("sum", host, y);
};

}  // namespace

TEST_CASE("a residual that dies is overwritten") {
  Residual r;
  r.net.output(r.sum);
  const Laid laid(r.net);
  CHECK(laid.in_place("host"));
  CHECK(laid.buffer("host").block == laid.buffer("y").block);
  CHECK(laid.block_of("y").last == 3);  // as long as the result, which is an output
}

TEST_CASE("a residual is not overwritten where somebody may still look at it") {
  SUBCASE("a later reader") {
    Residual r;
    r.net.output(r.net.concat("both", {r.sum, r.y}));
    CHECK_FALSE(Laid(r.net).in_place("host"));
  }
  SUBCASE("an output") {
    Residual r;
    r.net.output(r.y);
    r.net.output(r.sum);
    CHECK_FALSE(Laid(r.net).in_place("host"));
  }
  SUBCASE("an input of the graph") {
    Net net;
    const ValueId x = net.input("x", {1, 4, 5, 5});
    const ValueId y = net.relu("y", x);
    net.output(net.add("sum", net.conv("host", y, square(4, 3)), x));
    CHECK_FALSE(Laid(net).in_place("host"));
  }
  SUBCASE("the convolution's own input") {
    Net net;
    const ValueId y = net.relu("y", net.input("x", {1, 4, 5, 5}));
    net.output(net.add("sum", net.conv("host", y, square(4, 3)), y));
    CHECK_FALSE(Laid(net).in_place("host"));
  }
  SUBCASE("a guest of a concat") {
    Residual r;
    const ValueId joined = r.net.concat("joined", {r.y, r.x});
    r.net.output(joined);
    r.net.output(r.sum);
    const Laid laid(r.net);
    CHECK(laid.buffer("y").block == laid.buffer("joined").block);
    CHECK_FALSE(laid.in_place("host"));
  }
}

TEST_CASE("a residual of another storage type is not overwritten") {
  Residual r;
  r.net.output(r.sum);  // the sum stays fp32; y, a relu of an exact input, is fp32 too
  CHECK(Laid(r.net, DType::bf16).in_place("host"));
  Net net;
  const ValueId x = net.input("x", {1, 4, 5, 5});
  const ValueId y = net.conv("y", x, square(4, 1));  // read by a convolution: bf16
  const ValueId host = net.conv("host", y, square(4, 3));
  net.output(net.add("sum", host, net.conv("other", y, square(4, 1))));
  const Laid laid(net, DType::bf16);
  CHECK(laid.buffer("host").dtype == DType::bf16);
  CHECK(laid.buffer("other").dtype == DType::f32);
  CHECK_FALSE(laid.in_place("other"));
}

TEST_CASE("concat inputs are strided views of its block") {
  Net net;
  const ValueId x = net.input("x", {2, 3, 5, 5});
  const ValueId a = net.conv("a", x, square(8, 1)), b = net.conv("b", x, square(5, 3));
  net.output(net.concat("joined", {a, b}));
  const Laid laid(net);
  const Buffer &joined = laid.buffer("joined"), &left = laid.buffer("a"), &right = laid.buffer("b");
  CHECK(left.block == joined.block);
  CHECK(right.block == joined.block);
  CHECK(joined.pixel_stride == 13);
  CHECK(left.pixel_stride == 13);
  CHECK(right.pixel_stride == 13);
  CHECK(left.offset == 0);
  CHECK(right.offset == 8 * sizeof(float));
  CHECK(laid.block_of("joined").bytes == 2 * 13 * 25 * sizeof(float));
  CHECK(laid.block_of("joined").first == 1);  // from its first guest on
  CHECK(laid.buffer("x").block != joined.block);
}

TEST_CASE("a concat's block lives as long as its guests are read") {
  Net net;
  const ValueId x = net.input("x", {1, 4, 5, 5}), y = net.conv("y", x, square(4, 1));
  const ValueId narrow = net.conv("narrow", net.concat("joined", {y, x}), square(4, 1));
  const ValueId pool = net.graph.add("pool", MaxPool{{3, 3}, {1, 1}, {1, 1}}, {narrow});
  net.output(net.add("sum", pool, y));
  const Laid laid(net);
  CHECK(laid.buffer("y").block == laid.buffer("joined").block);
  CHECK(laid.block_of("joined").first == static_cast<int>(laid.index("y")));
  CHECK(laid.block_of("joined").last == static_cast<int>(laid.index("sum")));
}

TEST_CASE("inputs are alive from the first step, outputs to the end") {
  Net net;
  const ValueId relu = net.relu("relu", net.input("x", {1, 4, 5, 5}));
  net.output(relu);
  net.output(net.add("sum", relu, net.input("late", {1, 4, 5, 5})));
  const Laid laid(net);
  CHECK(laid.block_of("late").first == 0);
  CHECK(laid.block_of("late").last == 3);
  CHECK(laid.block_of("x").last == 1);
  CHECK(laid.block_of("relu").last == 4);
}

TEST_CASE("images stay in the caller's memory") {
  Net net;
  const ValueId frame = net.graph.input("frame", {DType::u8, {1, 8, 9, 3}});
  net.output(net.graph.add("preprocess", Preprocess{{4, 4}}, {frame}));
  const Laid laid(net);
  CHECK(laid.buffer("frame").block == -1);
  CHECK(laid.buffer("preprocess").block >= 0);
}

TEST_CASE("in bf16, what only fp32 ops read stays fp32") {
  Net net;
  const ValueId x = net.input("x", {1, 3, 8, 8});
  const ValueId stem = net.conv("stem", x, square(8, 3));
  const ValueId pool = net.graph.add("pool", MaxPool{{2, 2}, {2, 2}}, {stem});
  const ValueId logits = net.conv("logits", pool, square(2, 1));
  const ValueId up = net.graph.add("up", Upsample{{8, 8}}, {logits});
  net.output(net.graph.add("mask", Threshold{}, {up}));
  const ValueId features = net.conv("features", pool, square(4, 1));
  net.output(net.graph.add("flatten", Flatten{}, {features}));
  net.output(net.conv("output", pool, square(4, 1)));
  const Laid laid(net, DType::bf16);
  CHECK(laid.buffer("x").dtype == DType::bf16);  // only a convolution reads it, which would round it
  CHECK(laid.buffer("stem").dtype == DType::bf16);
  CHECK(laid.buffer("pool").dtype == DType::bf16);
  CHECK(laid.buffer("logits").dtype == DType::f32);
  CHECK(laid.buffer("features").dtype == DType::f32);
  CHECK(laid.buffer("output").dtype == DType::f32);
  CHECK(laid.buffer("flatten").dtype == DType::f32);
  for (const Buffer& buffer : Laid(net).layout.buffers) CHECK(buffer.dtype != DType::bf16);
}

TEST_CASE("in bf16, an upsampling that a convolution reads is bf16, and so are its logits") {
  Net net;
  const ValueId low = net.conv("low", net.input("x", {1, 3, 4, 4}), square(8, 3));
  const ValueId up = net.graph.add("up", Upsample{{8, 8}}, {low});
  net.output(net.conv("last", up, square(2, 1)));
  const Laid laid(net, DType::bf16);
  CHECK(laid.buffer("low").dtype == DType::bf16);
  CHECK(laid.buffer("up").dtype == DType::bf16);
  CHECK(laid.buffer("last").dtype == DType::f32);
}

namespace {

constexpr LayoutRules gpu_rules{.precision = DType::f16, .channel_alignment = 8, .row_alignment = 16, .uniform = true};

Layout lay_out_for_gpu(const Graph& graph) {
  return lay_out(graph, gpu_rules);
}

}  // namespace

TEST_CASE("uniform rules: pixels and rows begin at multiples, and slots that do not are copied to") {
  Net net;
  const ValueId x = net.input("x", {1, 5, 4, 4});
  const ValueId wide = net.conv("wide", x, square(16, 1)), odd = net.conv("odd", x, square(12, 1));
  const ValueId after = net.conv("after", x, square(8, 1));
  const ValueId joined = net.concat("joined", {wide, odd, after});
  const ValueId rows = net.linear("rows", net.graph.add("flatten", Flatten{}, {joined}), 5);
  net.output(net.graph.add("softmax", Softmax{}, {rows}));
  const Graph graph = optimize(net.graph);
  const Layout layout = lay_out_for_gpu(graph);
  const auto value = [&](ValueId id) { return layout.buffers[index_of(id)]; };
  CHECK(value(x).pixel_stride == 8);
  CHECK(value(x).dtype == DType::f16);
  CHECK(value(joined).pixel_stride == 40);  // 36 channels
  CHECK(value(wide).block == value(joined).block);
  CHECK(value(odd).block != value(joined).block);    // 12 channels
  CHECK(value(after).block != value(joined).block);  // would begin at channel 28
  CHECK(value(rows).pixel_stride == 16);
  CHECK(value(rows).dtype == DType::f32);                    // only the softmax reads it
  CHECK_FALSE(value(*graph.find("flatten")).channels_last);  // pixels have gaps
}

TEST_CASE("uniform rules: a dense picture is flattened where it lies") {
  Net net;
  const ValueId y = net.conv("y", net.input("x", {2, 8, 2, 2}), square(8, 1));
  const ValueId flat = net.graph.add("flatten", Flatten{}, {y});
  bool stays = true;
  SUBCASE("for linear layers") {}
  SUBCASE("not where it is an output") {
    net.graph.mark_output(flat);
    stays = false;
  }
  net.output(net.linear("rows", flat, 16));
  const Layout layout = lay_out_for_gpu(net.graph);
  CHECK(layout.buffers[index_of(flat)].channels_last == stays);
  CHECK((layout.buffers[index_of(flat)].block == layout.buffers[index_of(y)].block) == stays);
}

TEST_CASE("the region table is alive from the step that cleans the mask") {
  Graph graph;
  const ValueId mask = graph.input("mask", {DType::u8, {1, 1, 8, 8}});
  const NodeId clean = graph.add(Node{.name = "labels", .op = CleanLabelMeasure{.capacity = 3}, .inputs = {mask}},
                                 {"labels", "regions"});
  const auto [labels, regions] = std::pair{graph[clean].outputs[0], graph[clean].outputs[1]};
  graph.mark_output(graph.add("other", ResizeLabels{{4, 4}}, {labels}));
  graph.mark_output(regions);
  const Layout layout = lay_out(graph, {});
  const auto block_of = [&](ValueId id) {
    return layout.blocks[static_cast<std::size_t>(layout.buffers[index_of(id)].block)];
  };
  CHECK(block_of(regions).first == 1);
  CHECK(block_of(regions).last == 3);  // an output
  CHECK(block_of(labels).last == 2);
}

TEST_CASE("each output of a node has a buffer of its own") {
  test::Net net;
  const ValueId x = net.input("x", {1, 8, 4, 4});
  Node node{.name = "aspp", .op = AsppDepthwise{{1, 2, 3}}, .inputs = {x}};
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    node.weights.emplace_back();
    node.weights.back().weight = ref::random_tensor({8, 1, 3, 3}, seed);
  }
  const NodeId aspp = net.graph.add(node, {"a", "b", "c"});
  net.output(net.concat("joined", net.graph[aspp].outputs));
  const Layout layout = lay_out(net.graph, gpu_rules);
  std::set<int> blocks;
  for (ValueId id : net.graph[aspp].outputs) blocks.insert(layout.buffers[index_of(id)].block);
  CHECK(blocks.size() == 3);
}

TEST_CASE("a buffer is not read as what it does not hold") {
  Buffer buffer;
  buffer.dtype = DType::bf16;
  CHECK_THROWS_WITH_AS((void)buffer.as<float>(), "a buffer of bf16 is read as fp32", Error);
  CHECK_NOTHROW((void)buffer.raw<float>());
}

}  // namespace giemsa
