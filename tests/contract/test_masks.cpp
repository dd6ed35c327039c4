// From logits to masks, labels and tables of regions: Threshold, UpsampleThreshold, FillHoles, AreaOpen, Components,
// CleanLabelMeasure, Regions and ResizeLabels against their definitions.
#include <algorithm>
#include <cmath>

#include "engine/base/region.h"
#include "tests/contract/contract.h"
#include "tests/ops/components_cases.h"
#include "tests/ops/upsample_cases.h"
#include "tests/ref/components.h"
#include "tests/ref/upsample.h"

namespace giemsa {

namespace {

/// Runs `op` on logits whose pixels are decided by more than rounding can change, and compares all those.
void check_mask(const std::string& name, const Op& op, const Tensor& logits, const Shape& mask,
                const std::vector<double>& margins, double tolerance) {
  for (const auto& backend : contract::floating_backends()) {
    const std::string how = cat(name, " on ", backend->device_name(), " in ", backend->precision());
    const auto add = [&](Graph& graph, const std::vector<ValueId>& inputs) { return graph.add("op", op, inputs); };
    const auto session = backend->compile(test::graph_of(add, {logits}, backend->precision() != DType::f32, false));
    const void* inputs[] = {logits.bytes().data()};
    for (const char* run : {"first", "second"}) {
      session->run(inputs);
      const auto actual = session->output<std::uint8_t>();
      REQUIRE(actual.size() == static_cast<std::size_t>(mask.volume()));
      std::size_t wrong = 0, decided = 0;
      for (std::size_t i = 0; i < actual.size(); ++i) {
        if (std::abs(margins[i]) <= tolerance) continue;
        ++decided;
        wrong += actual[i] != (margins[i] > 0 ? 1 : 0);
      }
      CHECK_MESSAGE(wrong == 0, wrong, " pixels are wrong, ", run, " run, ", how);
      CHECK_MESSAGE(decided * 10 >= actual.size() * 9, "too few pixels tell anything, ", how);
    }
  }
}

/// Margins of logits at each pixel of `op.output`.
std::vector<double> margins_of(const UpsampleThreshold& op, const Tensor& logits) {
  const Shape& in = logits.shape();
  const Upsample plain{op.output, op.align_corners};
  std::vector<double> margins;
  for (std::int64_t y = 0; y < op.output.h; ++y)
    for (std::int64_t x = 0; x < op.output.w; ++x) {
      const auto logit = [&](std::int64_t channel) {
        const ref::Plane plane = [&](std::int64_t py, std::int64_t px) {
          return double{logits.as<float>()[ref::at(in, 0, channel, py, px)]};
        };
        return ref::upsample_at(plain, plane, {in[2], in[3]}, y, x);
      };
      margins.push_back(ref::margin(logit, in[1], double{op.threshold}, op.cells));
    }
  return margins;
}

/// Both logits of each difference, interpolated (three roundings of a coordinate, six of a value), and a few roundings
/// of exponentials, sum and limit.
double margin_tolerance(Size2 in, std::int64_t channels) {
  const double coordinate = 3.0 * static_cast<double>(std::max(in.h, in.w)), largest = 4;
  return 2 * (2 * 2 * coordinate + 6) * largest * 0x1p-24 + static_cast<double>(channels + 8) * 0x1p-23;
}

Tensor plane_of(const std::vector<std::uint8_t>& values, Size2 size) {
  return Tensor::from(DType::u8, Shape{1, 1, size.h, size.w}, values);
}
Tensor plane_of(const std::vector<std::int32_t>& values, Size2 size) {
  return Tensor::from(DType::i32, Shape{1, 1, size.h, size.w}, values);
}

/// {1 + capacity, 10}: the count, the regions, and zeros.
Tensor table_of(const std::vector<std::int32_t>& labels, Size2 size, std::int32_t count, std::int64_t capacity) {
  std::vector<std::int32_t> words(static_cast<std::size_t>(1 + capacity) * 10);
  words[0] = count;
  const std::vector<Region> regions = ref::regions(labels, size, count);
  if (!regions.empty()) std::memcpy(words.data() + 10, regions.data(), regions.size() * sizeof(Region));
  return Tensor::from(DType::i32, Shape{1 + capacity, 10}, std::move(words));
}

const std::string one_step = "holes are filled, small components dropped and the others labelled in one step";

/// Masks as they come, and the labels of what is in them.
template <class Check>
void for_each_mask(const Check& check) {
  for (const test::ComponentsCase& item : test::components_cases) {
    SUBCASE(item.name) {
      check(item, test::make_mask(item.pattern, item.size));
    }
  }
}

}  // namespace

GIEMSA_CONTRACT(Threshold) {
  for (const test::UpsampleThresholdCase& item : test::upsample_threshold_cases) {
    SUBCASE(item.name) {
      const Tensor logits = ref::random_tensor({1, item.channels, item.out.h, item.out.w}, 19, -3, 3);
      check_mask(item.name, Threshold{item.threshold, item.cells}, logits, {1, 1, item.out.h, item.out.w},
                 margins_of({item.out, false, item.threshold, item.cells}, logits),
                 static_cast<double>(item.channels + 8) * 0x1p-23);
    }
  }
}

GIEMSA_CONTRACT(UpsampleThreshold) {
  for (const test::UpsampleThresholdCase& item : test::upsample_threshold_cases) {
    SUBCASE(item.name) {
      const Tensor logits = ref::random_tensor({1, item.channels, item.in.h, item.in.w}, 19, -3, 3);
      const UpsampleThreshold op{item.out, item.align_corners, item.threshold, item.cells};
      check_mask(item.name, op, logits, {1, 1, item.out.h, item.out.w}, margins_of(op, logits),
                 margin_tolerance(item.in, item.channels));
    }
  }
}

GIEMSA_CONTRACT(FillHoles) {
  for_each_mask([](const test::ComponentsCase& item, const std::vector<std::uint8_t>& mask) {
    contract::check({.name = item.name,
                     .op = FillHoles{},
                     .inputs = {plane_of(mask, item.size)},
                     .outputs = {plane_of(ref::fill_holes(mask, item.size), item.size)},
                     .cuda_refuses = one_step});
  });
}

GIEMSA_CONTRACT(AreaOpen) {
  for_each_mask([](const test::ComponentsCase& item, const std::vector<std::uint8_t>& mask) {
    contract::check({.name = item.name,
                     .op = AreaOpen{item.min_area},
                     .inputs = {plane_of(mask, item.size)},
                     .outputs = {plane_of(ref::area_open(mask, item.size, item.min_area), item.size)},
                     .cuda_refuses = one_step});
  });
}

GIEMSA_CONTRACT(Components) {
  for_each_mask([](const test::ComponentsCase& item, const std::vector<std::uint8_t>& mask) {
    std::vector<std::int32_t> labels;
    ref::label(mask, item.size, 0, labels);
    contract::check({.name = item.name,
                     .op = Components{},
                     .inputs = {plane_of(mask, item.size)},
                     .outputs = {plane_of(labels, item.size)},
                     .cuda_refuses = one_step});
  });
}

GIEMSA_CONTRACT(CleanLabelMeasure) {
  for_each_mask([](const test::ComponentsCase& item, const std::vector<std::uint8_t>& mask) {
    std::vector<std::int32_t> labels;
    const std::int32_t count =
        ref::label(ref::area_open(ref::fill_holes(mask, item.size), item.size, item.min_area), item.size, 0, labels);
    const std::int64_t capacity = max_regions(item.size.h, item.size.w, item.min_area);
    contract::check({.name = item.name,
                     .op = CleanLabelMeasure{item.min_area, capacity},
                     .inputs = {plane_of(mask, item.size)},
                     .outputs = {plane_of(labels, item.size), table_of(labels, item.size, count, capacity)}});
    contract::check({.name = cat(item.name, ", labels alone"),
                     .op = CleanLabelMeasure{item.min_area, std::nullopt},
                     .inputs = {plane_of(mask, item.size)},
                     .outputs = {plane_of(labels, item.size)}});
  });
}

GIEMSA_CONTRACT(Regions) {
  for_each_mask([](const test::ComponentsCase& item, const std::vector<std::uint8_t>& mask) {
    std::vector<std::int32_t> labels;
    const std::int32_t count = ref::label(mask, item.size, 0, labels);
    for (const std::int64_t capacity : {std::int64_t{count}, max_regions(item.size.h, item.size.w, 0)})
      contract::check({.name = cat(item.name, ", capacity ", capacity),
                       .op = Regions{capacity},
                       .inputs = {plane_of(labels, item.size)},
                       .outputs = {table_of(labels, item.size, count, capacity)}});
  });
}

// The sample whose square holds the centre of an output pixel: row (2 y + 1) from / (2 to), rounded down.
GIEMSA_CONTRACT(ResizeLabels) {
  for (const Size2 from : {Size2{1, 1}, Size2{1, 33}, Size2{33, 1}, Size2{31, 33}, Size2{40, 130}})
    for (const Size2 to : {Size2{1, 1}, Size2{17, 29}, Size2{40, 33}, Size2{62, 66}, from}) {
      std::vector<std::int32_t> labels(static_cast<std::size_t>(from.h * from.w)), expected;
      for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i * 7919 % 70000);
      for (std::int64_t y = 0; y < to.h; ++y)
        for (std::int64_t x = 0; x < to.w; ++x) {
          const std::int64_t row = (2 * y + 1) * from.h / (2 * to.h), column = (2 * x + 1) * from.w / (2 * to.w);
          expected.push_back(labels[static_cast<std::size_t>(row * from.w + column)]);
        }
      contract::check({.name = cat(from.h, 'x', from.w, " to ", to.h, 'x', to.w),
                       .op = ResizeLabels{to},
                       .inputs = {plane_of(labels, from)},
                       .outputs = {plane_of(expected, to)}});
    }
}

}  // namespace giemsa
