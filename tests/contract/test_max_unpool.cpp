// MaxPoolIndices and MaxUnpool against their definitions.
#include <cmath>
#include <limits>

#include "nets/onnx/export.h"
#include "tests/contract/contract.h"
#include "tests/engine/error_text.h"

namespace giemsa {

namespace {

struct Case {
  std::string name;
  Shape full;
  Size2 kernel{2, 2}, stride{2, 2};
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"SegNet's first", {1, 64, 36, 48}},
      {"a row and a column that no window covers", {2, 17, 33, 31}},
      {"one window", {1, 1, 2, 2}},
      {"one pixel", {1, 3, 1, 1}, {1, 1}, {1, 1}},
      {"channels in whole vectors and beyond", {1, 33, 6, 10}},
      {"windows apart", {1, 9, 11, 13}, {2, 2}, {3, 4}},
      {"three by two", {3, 5, 9, 8}, {3, 2}, {3, 2}},
      {"a byte of places", {1, 2, 16, 33}, {16, 16}, {16, 16}},
  };
  return all;
}

std::size_t at(const Shape& s, std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) {
  return static_cast<std::size_t>(((a * s[1] + b) * s[2] + c) * s[3] + d);
}

struct Pooled {
  Tensor maxima, taps;
};

/// As PyTorch's loop: an element takes the place of a smaller one, and a NaN of anything.
Pooled pool(const Tensor& input, Size2 kernel, Size2 stride) {
  const Shape& in = input.shape();
  const Shape out{in[0], in[1], (in[2] - kernel.h) / stride.h + 1, (in[3] - kernel.w) / stride.w + 1};
  const Shape places{out[0], out[2], out[3], out[1]};
  std::vector<float> maxima(static_cast<std::size_t>(out.volume()));
  std::vector<std::uint8_t> taps(maxima.size());
  for (std::int64_t n = 0; n < out[0]; ++n)
    for (std::int64_t c = 0; c < out[1]; ++c)
      for (std::int64_t y = 0; y < out[2]; ++y)
        for (std::int64_t x = 0; x < out[3]; ++x) {
          float best = -std::numeric_limits<float>::infinity();
          int tap = 0;
          for (std::int64_t ky = 0; ky < kernel.h; ++ky)
            for (std::int64_t kx = 0; kx < kernel.w; ++kx) {
              const float value = input.as<float>()[at(in, n, c, y * stride.h + ky, x * stride.w + kx)];
              if (!(value > best || std::isnan(value))) continue;
              best = value;
              tap = static_cast<int>(ky * kernel.w + kx);
            }
          maxima[at(out, n, c, y, x)] = best;
          taps[at(places, n, y, x, c)] = static_cast<std::uint8_t>(tap);
        }
  return {Tensor::from(out, std::move(maxima)), Tensor::from(DType::u8, places, std::move(taps))};
}

/// As PyTorch's scatter: zeros, then each value where its tap says.
Tensor unpool(const Pooled& pooled, Size2 kernel, Size2 stride, const Shape& out) {
  const Shape &in = pooled.maxima.shape(), &places = pooled.taps.shape();
  std::vector<float> values(static_cast<std::size_t>(out.volume()), 0.0f);
  for (std::int64_t n = 0; n < in[0]; ++n)
    for (std::int64_t c = 0; c < in[1]; ++c)
      for (std::int64_t y = 0; y < in[2]; ++y)
        for (std::int64_t x = 0; x < in[3]; ++x) {
          const int tap = pooled.taps.as<std::uint8_t>()[at(places, n, y, x, c)];
          const std::int64_t to_y = y * stride.h + tap / kernel.w, to_x = x * stride.w + tap % kernel.w;
          values[at(out, n, c, to_y, to_x)] = pooled.maxima.as<float>()[at(in, n, c, y, x)];
        }
  return Tensor::from(out, std::move(values));
}

}  // namespace

GIEMSA_CONTRACT(MaxPoolIndices) {
  for (const Case& c : cases()) {
    SUBCASE(c.name.c_str()) {
      const Tensor input = contract::integers(c.full, 1);
      const Pooled expected = pool(input, c.kernel, c.stride);
      contract::check({c.name, MaxPoolIndices{c.kernel, c.stride}, {input}, {expected.maxima, expected.taps}});
    }
  }
}

GIEMSA_CONTRACT(MaxUnpool) {
  for (const Case& c : cases()) {
    SUBCASE(c.name.c_str()) {
      const Pooled pooled = pool(contract::integers(c.full, 2), c.kernel, c.stride);
      const Pooled others{contract::integers(pooled.maxima.shape(), 3), pooled.taps};  // not the maxima themselves
      contract::check({c.name,
                       MaxUnpool{c.kernel, c.stride, {c.full[2], c.full[3]}},
                       {others.maxima, others.taps},
                       {unpool(others, c.kernel, c.stride, c.full)}});
    }
  }
}

TEST_CASE("max_pool_indices passes a NaN on, and says where it stood") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor input = Tensor::from(Shape{1, 2, 2, 2}, std::vector<float>{1, nan, 3, nan, 5, 6, 7, 4});
  for (const auto& backend : {make_cpu_backend({.threads = 1}), make_cuda_backend({.precision = DType::f32})}) {
    Graph graph;
    const ValueId x = graph.input("x", {DType::f32, input.shape()});
    const NodeId node = graph.add(Node{.name = "pool", .op = MaxPoolIndices{}, .inputs = {x}}, {"maxima", "taps"});
    for (ValueId id : graph[node].outputs) graph.mark_output(id);
    const auto session = backend->compile(graph);
    const void* inputs[] = {input.bytes().data()};
    session->run(inputs);
    CHECK(std::isnan(session->output<float>(0)[0]));
    CHECK(session->output<float>(0)[1] == 7);
    CHECK(session->output<std::uint8_t>(1)[0] == 3);
    CHECK(session->output<std::uint8_t>(1)[1] == 2);
  }
}

TEST_CASE("pooling and unpooling refuse what they cannot do, by layer") {
  const TensorType map{DType::f32, {1, 3, 4, 4}}, taps{DType::u8, {1, 4, 4, 3}};
  CHECK(contract::refusal(MaxPoolIndices{{17, 16}, {1, 1}}, {map}, {"a", "b"}) ==
        "layer layer (max_pool_indices): a window of 272 places does not fit a byte");
  CHECK(test::contains(contract::refusal(MaxPoolIndices{{5, 2}, {2, 2}}, {map}, {"a", "b"}), "input of 4 is smaller"));
  CHECK(test::contains(contract::refusal(MaxUnpool{{3, 3}, {2, 2}, {9, 9}}, {map, taps}, {"a"}), "windows overlap"));
  CHECK(test::contains(contract::refusal(MaxUnpool{{2, 2}, {2, 2}, {10, 8}}, {map, taps}, {"a"}), "10x8 does not pool to 4x4"));
  CHECK(test::contains(contract::refusal(MaxUnpool{{2, 2}, {2, 2}, {8, 8}}, {map, map}, {"a"}), "taps must be uint8 {1,4,4,3}"));
}

TEST_CASE("pooling with indices has no ONNX twin, and says so") {
  Graph graph;
  const ValueId x = graph.input("x", {DType::f32, {1, 3, 4, 4}});
  const NodeId pool = graph.add(Node{.name = "pool", .op = MaxPoolIndices{}, .inputs = {x}}, {"maxima", "taps"});
  graph.mark_output(graph.add("unpool", MaxUnpool{.output = {4, 4}}, graph[pool].outputs));
  CHECK(test::error_of(ErrorKind::internal, [&] {
          (void)to_onnx(graph, {});
        }).starts_with("pool: max pooling with indices has no ONNX twin"));
}

}  // namespace giemsa
