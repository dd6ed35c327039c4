// Where backends put results: in-place residuals, slots of concats, storage types, lifetimes.
#include "engine/layout.h"

#include <doctest/doctest.h>

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

  std::size_t index(std::string_view name) const {
    const auto id = graph.find(name);
    REQUIRE(id.has_value());
    return index_of(*id);
  }
  const Value& value(std::string_view name) const { return layout.values[index(name)]; }
  bool in_place(std::string_view name) const { return layout.in_place[index(name)]; }
  const Lifetime& block_of(std::string_view name) const {
    return layout.blocks[static_cast<std::size_t>(value(name).block)];
  }
};

/// x -> relu -> y, and host(x) + y.
struct Residual {
  Net net;
  NodeId x = net.input("x", {1, 4, 5, 5});
  NodeId y = net.relu("y", x);
  NodeId host = net.conv("host", x, square(4, 3));
  NodeId sum = net.add("sum", host, y);
};

}  // namespace

TEST_CASE("a residual that dies is overwritten") {
  Residual r;
  r.net.output(r.sum);
  const Laid laid(r.net);
  CHECK(laid.in_place("host"));
  CHECK(laid.value("host").block == laid.value("y").block);
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
    const NodeId x = net.input("x", {1, 4, 5, 5});
    const NodeId y = net.relu("y", x);
    net.output(net.add("sum", net.conv("host", y, square(4, 3)), x));
    CHECK_FALSE(Laid(net).in_place("host"));
  }
  SUBCASE("the convolution's own input") {
    Net net;
    const NodeId y = net.relu("y", net.input("x", {1, 4, 5, 5}));
    net.output(net.add("sum", net.conv("host", y, square(4, 3)), y));
    CHECK_FALSE(Laid(net).in_place("host"));
  }
  SUBCASE("a guest of a concat") {
    Residual r;
    const NodeId joined = r.net.concat("joined", {r.y, r.x});
    r.net.output(joined);
    r.net.output(r.sum);
    const Laid laid(r.net);
    CHECK(laid.value("y").block == laid.value("joined").block);
    CHECK_FALSE(laid.in_place("host"));
  }
}

TEST_CASE("a residual of another storage type is not overwritten") {
  Residual r;
  r.net.output(r.sum);  // the sum stays fp32; y, a relu of an exact input, is fp32 too
  CHECK(Laid(r.net, DType::bf16).in_place("host"));
  Net net;
  const NodeId x = net.input("x", {1, 4, 5, 5});
  const NodeId y = net.conv("y", x, square(4, 1));  // read by a convolution: bf16
  const NodeId host = net.conv("host", y, square(4, 3));
  net.output(net.add("sum", host, net.conv("other", y, square(4, 1))));
  const Laid laid(net, DType::bf16);
  CHECK(laid.value("host").dtype == DType::bf16);
  CHECK(laid.value("other").dtype == DType::f32);
  CHECK_FALSE(laid.in_place("other"));
}

TEST_CASE("concat inputs are strided views of its block") {
  Net net;
  const NodeId x = net.input("x", {2, 3, 5, 5});
  const NodeId a = net.conv("a", x, square(8, 1)), b = net.conv("b", x, square(5, 3));
  net.output(net.concat("joined", {a, b}));
  const Laid laid(net);
  const Value &joined = laid.value("joined"), &left = laid.value("a"), &right = laid.value("b");
  CHECK(left.block == joined.block);
  CHECK(right.block == joined.block);
  CHECK(joined.pixel_stride == 13);
  CHECK(left.pixel_stride == 13);
  CHECK(right.pixel_stride == 13);
  CHECK(left.offset == 0);
  CHECK(right.offset == 8 * sizeof(float));
  CHECK(laid.block_of("joined").bytes == 2 * 13 * 25 * sizeof(float));
  CHECK(laid.block_of("joined").first == 1);  // from its first guest on
  CHECK(laid.value("x").block != joined.block);
}

TEST_CASE("a concat's block lives as long as its guests are read") {
  Net net;
  const NodeId x = net.input("x", {1, 4, 5, 5}), y = net.conv("y", x, square(4, 1));
  const NodeId narrow = net.conv("narrow", net.concat("joined", {y, x}), square(4, 1));
  const NodeId pool = net.graph.add("pool", MaxPool{{3, 3}, {1, 1}, {1, 1}}, {narrow});
  net.output(net.add("sum", pool, y));
  const Laid laid(net);
  CHECK(laid.value("y").block == laid.value("joined").block);
  CHECK(laid.block_of("joined").first == static_cast<int>(laid.index("y")));
  CHECK(laid.block_of("joined").last == static_cast<int>(laid.index("sum")));
}

TEST_CASE("inputs are alive from the first step, outputs to the end") {
  Net net;
  const NodeId relu = net.relu("relu", net.input("x", {1, 4, 5, 5}));
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
  const NodeId frame = net.graph.input("frame", {DType::u8, {1, 8, 9, 3}});
  net.output(net.graph.add("preprocess", Preprocess{{4, 4}}, {frame}));
  const Laid laid(net);
  CHECK(laid.value("frame").block == -1);
  CHECK(laid.value("preprocess").block >= 0);
}

TEST_CASE("in bf16, what only fp32 ops read stays fp32") {
  Net net;
  const NodeId x = net.input("x", {1, 3, 8, 8});
  const NodeId stem = net.conv("stem", x, square(8, 3));
  const NodeId pool = net.graph.add("pool", MaxPool{{2, 2}, {2, 2}}, {stem});
  const NodeId logits = net.conv("logits", pool, square(2, 1));
  const NodeId up = net.graph.add("up", Upsample{{8, 8}}, {logits});
  net.output(net.graph.add("mask", Threshold{}, {up}));
  const NodeId features = net.conv("features", pool, square(4, 1));
  net.output(net.graph.add("flatten", Flatten{}, {features}));
  net.output(net.conv("output", pool, square(4, 1)));
  const Laid laid(net, DType::bf16);
  CHECK(laid.value("x").dtype == DType::bf16);  // only a convolution reads it, which would round it
  CHECK(laid.value("stem").dtype == DType::bf16);
  CHECK(laid.value("pool").dtype == DType::bf16);
  CHECK(laid.value("logits").dtype == DType::f32);
  CHECK(laid.value("features").dtype == DType::f32);
  CHECK(laid.value("output").dtype == DType::f32);
  CHECK(laid.value("flatten").dtype == DType::f32);
  for (const Value& value : Laid(net).layout.values) CHECK(value.dtype != DType::bf16);
}

TEST_CASE("in bf16, an upsampling that a convolution reads is bf16, and so are its logits") {
  Net net;
  const NodeId low = net.conv("low", net.input("x", {1, 3, 4, 4}), square(8, 3));
  const NodeId up = net.graph.add("up", Upsample{{8, 8}}, {low});
  net.output(net.conv("last", up, square(2, 1)));
  const Laid laid(net, DType::bf16);
  CHECK(laid.value("low").dtype == DType::bf16);
  CHECK(laid.value("up").dtype == DType::bf16);
  CHECK(laid.value("last").dtype == DType::f32);
}

namespace {

constexpr LayoutRules gpu_rules{.precision = DType::f16, .channel_alignment = 8, .row_alignment = 16, .uniform = true};

Layout lay_out_for_gpu(const Graph& graph) {
  return lay_out(graph, gpu_rules);
}

}  // namespace

TEST_CASE("uniform rules: pixels and rows begin at multiples, and slots that do not are copied to") {
  Net net;
  const NodeId x = net.input("x", {1, 5, 4, 4});
  const NodeId wide = net.conv("wide", x, square(16, 1)), odd = net.conv("odd", x, square(12, 1));
  const NodeId after = net.conv("after", x, square(8, 1));
  const NodeId joined = net.concat("joined", {wide, odd, after});
  const NodeId rows = net.linear("rows", net.graph.add("flatten", Flatten{}, {joined}), 5);
  net.output(net.graph.add("softmax", Softmax{}, {rows}));
  const Graph graph = optimize(net.graph);
  const Layout layout = lay_out_for_gpu(graph);
  const auto value = [&](NodeId id) { return layout.values[index_of(id)]; };
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
  const NodeId y = net.conv("y", net.input("x", {2, 8, 2, 2}), square(8, 1));
  const NodeId flat = net.graph.add("flatten", Flatten{}, {y});
  bool stays = true;
  SUBCASE("for linear layers") {}
  SUBCASE("not where it is an output") {
    net.graph.mark_output(flat);
    stays = false;
  }
  net.output(net.linear("rows", flat, 16));
  const Layout layout = lay_out_for_gpu(net.graph);
  CHECK(layout.values[index_of(flat)].channels_last == stays);
  CHECK((layout.values[index_of(flat)].block == layout.values[index_of(y)].block) == stays);
}

TEST_CASE("the region table is alive from the step that cleans the mask") {
  Graph graph;
  const NodeId mask = graph.input("mask", {DType::u8, {1, 1, 8, 8}});
  const NodeId labels = graph.add("labels", CleanAndLabel{}, {mask});
  const NodeId other = graph.add("other", ResizeLabels{{4, 4}}, {labels});
  const NodeId regions = graph.add("regions", Regions{3}, {labels});
  graph.mark_output(other);
  graph.mark_output(regions);
  const Layout layout = lay_out(graph, {});
  CHECK(layout.made_with[index_of(regions)] == labels);
  CHECK(layout.blocks[static_cast<std::size_t>(layout.values[index_of(regions)].block)].first == 1);
}

TEST_CASE("what is never made takes no memory, and its inputs live until its reader") {
  Net net;
  const NodeId y = net.conv("y", net.input("x", {1, 8, 4, 4}), square(8, 1));
  const NodeId between = net.conv("between", y, square(8, 3));
  const NodeId last = net.conv("last", between, square(8, 1));
  net.output(last);
  std::vector<NodeId> made_with = makers_of(net.graph);
  made_with[index_of(between)] = never_made;
  const Layout layout = lay_out(net.graph, {}, made_with);
  CHECK(layout.values[index_of(between)].block == -1);
  CHECK(layout.blocks[static_cast<std::size_t>(layout.values[index_of(y)].block)].last == 3);
}

}  // namespace giemsa
