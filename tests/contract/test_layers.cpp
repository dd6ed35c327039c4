// Linear, Lrn and Upsample against their references.
#include "tests/contract/contract.h"
#include "tests/ops/linear_cases.h"
#include "tests/ops/lrn_cases.h"
#include "tests/ops/upsample_cases.h"
#include "tests/ref/linear.h"
#include "tests/ref/lrn.h"
#include "tests/ref/upsample.h"

namespace giemsa {

GIEMSA_CONTRACT(Linear) {
  for (const test::LinearCase& item : test::linear_cases) {
    SUBCASE(item.name) {
      const Tensor x = ref::random_tensor({item.samples, item.in}, 1);
      Weights weights;
      weights.weight = ref::random_tensor({item.out, item.in}, 2);
      if (item.bias) weights.bias = ref::random_tensor({item.out}, 3);
      // A term is rounded as a product and in no more additions than there are terms, whatever their order; then the
      // bias.
      ref::Reference expected({item.samples, item.out}, static_cast<double>(item.in) + 2);
      for (std::int64_t n = 0; n < item.samples; ++n)
        for (std::int64_t o = 0; o < item.out; ++o) {
          const ref::LinearValue value = ref::linear_at(
              x.as<float>().data() + n * item.in, weights.weight.as<float>().data() + o * item.in, item.in, 1,
              item.bias ? double{weights.bias.as<float>()[static_cast<std::size_t>(o)]} : 0, item.activation);
          const auto at = static_cast<std::size_t>(n * item.out + o);
          expected.value[at] = value.value;
          expected.magnitude[at] = value.magnitude;
        }
      const auto add = [&](Graph& graph, const std::vector<ValueId>& in) {
        return graph.add("linear", Linear{item.out, item.activation}, in, weights);
      };
      contract::check_op(item.name, add, {x}, expected, static_cast<double>(x.shape().volume() * item.out));
    }
  }
}

GIEMSA_CONTRACT(Lrn) {
  for (const test::LrnCase& item : test::lrn_cases) {
    SUBCASE(item.name) {
      const Shape shape{item.images, item.channels, 1, item.pixels};
      const Tensor x = ref::random_tensor(shape, 1, -3, 3);
      ref::Reference expected(shape, ref::lrn_roundings(item.op));
      ref::for_each_element(shape, [&](auto n, auto c, auto y, auto column, std::size_t i) {
        const auto channel = [&](std::int64_t j) { return double{x.as<float>()[ref::at(shape, n, j, y, column)]}; };
        expected.add_term(i, ref::lrn_at(item.op, channel, item.channels, c));
      });
      const auto add = [&](Graph& graph, const std::vector<ValueId>& in) { return graph.add("lrn", item.op, in); };
      contract::check_op(item.name, add, {x}, expected);
    }
  }
}

GIEMSA_CONTRACT(Upsample) {
  constexpr std::pair<bool, EdgeMode> modes[] = {
      {false, EdgeMode::clamp}, {true, EdgeMode::clamp}, {false, EdgeMode::zero}};
  for (const test::UpsampleCase& item : test::upsample_cases) {
    SUBCASE(item.name) {
      const Shape shape{item.images, item.channels, item.in.h, item.in.w};
      const Tensor x = ref::random_tensor(shape, 1, -1, 1);
      for (const auto& [align_corners, edge] : modes) {
        const Upsample op{item.out, align_corners, edge};
        // A coordinate is rounded three times (slope at most 2 a pixel, on either axis), its value six times.
        const auto extent = static_cast<double>(std::max(item.in.h, item.in.w));
        ref::Reference expected({item.images, item.channels, item.out.h, item.out.w}, 2 * 2 * 3 * extent + 6);
        ref::for_each_element(expected.shape, [&](auto n, auto c, auto y, auto column, std::size_t i) {
          const ref::Plane plane = [&](std::int64_t py, std::int64_t px) {
            return double{x.as<float>()[ref::at(shape, n, c, py, px)]};
          };
          expected.value[i] = ref::upsample_at(op, plane, item.in, y, column);
          expected.magnitude[i] = 1;
        });
        const auto add = [&](Graph& graph, const std::vector<ValueId>& in) { return graph.add("upsample", op, in); };
        contract::check_op(cat(item.name, op.text(), edge == EdgeMode::zero ? " zero" : ""), add, {x}, expected);
      }
    }
  }
}

}  // namespace giemsa
