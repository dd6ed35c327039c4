// Shapes, tensors and the half-precision conversions.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/base/tensor.h"

namespace giemsa {

namespace {

struct HalfType {
  float (*widen)(std::uint16_t);
  std::uint16_t (*narrow)(float);
  std::uint16_t infinity;
};
constexpr HalfType f16{f16_to_f32, f32_to_f16, 0x7c00};
constexpr HalfType bf16{bf16_to_f32, f32_to_bf16, 0x7f80};

void check_every_value_round_trips(const HalfType& type) {
  int wrong = 0;
  for (std::uint32_t i = 0; i <= 0xffff; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const float wide = type.widen(bits);
    const bool is_nan = (bits & 0x7fff) > type.infinity;
    if (is_nan)
      wrong += !(std::isnan(wide) && std::isnan(type.widen(type.narrow(wide))) &&
                 std::signbit(wide) == std::signbit(type.widen(type.narrow(wide))));
    else
      wrong += type.narrow(wide) != bits;
  }
  CHECK(wrong == 0);
}

/// Half-way between neighbours goes to the even one; the next fp32 to either side goes to its own side. Between these
/// three points conversion is monotonic, so they settle every value.
void check_every_rounding_boundary(const HalfType& type) {
  int wrong = 0;
  for (std::uint16_t low = 0; low < type.infinity; ++low) {
    const auto high = static_cast<std::uint16_t>(low + 1);
    const double below = type.widen(low);
    // Infinity stands where the next value would be, were there one.
    const double above =
        high == type.infinity ? 2 * below - type.widen(static_cast<std::uint16_t>(low - 1)) : type.widen(high);
    const auto middle = static_cast<float>((below + above) / 2);
    REQUIRE(static_cast<double>(middle) == (below + above) / 2);
    const std::uint16_t even = low % 2 == 0 ? low : high;
    for (const float sign : {1.0f, -1.0f}) {
      const std::uint16_t sign_bit = sign < 0 ? 0x8000 : 0;
      wrong += type.narrow(sign * middle) != (even | sign_bit);
      wrong += type.narrow(sign * std::nextafter(middle, 0.0f)) != (low | sign_bit);
      wrong += type.narrow(sign * std::nextafter(middle, INFINITY)) != (high | sign_bit);
    }
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("every fp16 value survives fp32") {
  check_every_value_round_trips(f16);
}

TEST_CASE("every bf16 value survives fp32") {
  check_every_value_round_trips(bf16);
}

TEST_CASE("fp32 rounds to the nearest fp16, ties to even") {
  check_every_rounding_boundary(f16);
}

TEST_CASE("fp32 rounds to the nearest bf16, ties to even") {
  check_every_rounding_boundary(bf16);
}

TEST_CASE("fp16 landmarks") {
  CHECK(f32_to_f16(1.0f) == 0x3c00);
  CHECK(f32_to_f16(-2.0f) == 0xc000);
  CHECK(f32_to_f16(65504.0f) == 0x7bff);  // the largest
  CHECK(f32_to_f16(65519.0f) == 0x7bff);
  CHECK(f32_to_f16(65520.0f) == 0x7c00);
  CHECK(f32_to_f16(std::numeric_limits<float>::max()) == 0x7c00);
  CHECK(f32_to_f16(-INFINITY) == 0xfc00);
  CHECK(f32_to_f16(0x1p-24f) == 0x0001);  // the smallest
  CHECK(f32_to_f16(0x1p-25f) == 0x0000);
  CHECK(f32_to_f16(std::numeric_limits<float>::denorm_min()) == 0x0000);
  CHECK(f32_to_f16(-0.0f) == 0x8000);
  CHECK(std::isnan(f16_to_f32(f32_to_f16(std::bit_cast<float>(0x7f800001u)))));  // a NaN of one low bit stays one
  CHECK(std::isnan(bf16_to_f32(f32_to_bf16(std::bit_cast<float>(0x7f800001u)))));
}

#ifdef __FLT16_MANT_DIG__
TEST_CASE("fp16 conversion agrees with the compiler's") {
  int wrong = 0;
  for (std::uint64_t bits = 0; bits <= 0xffffffffu; bits += 4099) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    const auto half = static_cast<_Float16>(value);
    if (std::isnan(value))
      wrong += !std::isnan(f16_to_f32(f32_to_f16(value)));
    else
      wrong += std::bit_cast<std::uint16_t>(half) != f32_to_f16(value);
  }
  CHECK(wrong == 0);
}
#endif

TEST_CASE("shapes count their elements and refuse what would overflow") {
  CHECK(Shape{}.volume() == 1);
  CHECK(Shape{2, 3, 4}.volume() == 24);
  CHECK(Shape{2, 0, 1ll << 60, 1ll << 60}.volume() == 0);
  CHECK_THROWS_AS((Shape{1ll << 30, 1ll << 30}.volume()), Error);
  CHECK_THROWS_AS((Shape{-1}), Error);
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), Error);
  CHECK(cat(Shape{1, 64, 112, 112}) == "{1,64,112,112}");
  CHECK(Shape{1, 2} != Shape{1, 2, 1});
}

TEST_CASE("a tensor is a view of shared bytes") {
  const Tensor tensor = Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor handle = tensor, reshaped = tensor.reshaped({3, 2});
  CHECK(handle.bytes().data() == tensor.bytes().data());
  CHECK(reshaped.bytes().data() == tensor.bytes().data());
  CHECK(reshaped.shape() == Shape{3, 2});
  CHECK(tensor.byte_size() == 24);
  CHECK_FALSE(Tensor());
  CHECK_THROWS_AS((void)tensor.reshaped({4, 2}), Error);
  CHECK_THROWS_AS((void)tensor.as<double>(), Error);
  CHECK_THROWS_AS((void)Tensor::from({2}, {1, 2, 3}), Error);
}

TEST_CASE("to_f32 reads every element type") {
  const auto values = [](const Tensor& tensor) {
    const Tensor wide = to_f32(tensor);
    return std::vector<float>(wide.as<float>().begin(), wide.as<float>().end());
  };
  const std::vector<float> expected{1, 0, 3};
  CHECK(values(Tensor::from<double>(DType::f64, {3}, {1, 0, 3})) == expected);
  CHECK(values(Tensor::from({3}, {1, 0, 3})) == expected);
  CHECK(values(Tensor::from<std::uint16_t>(DType::f16, {3}, {0x3c00, 0, 0x4200})) == expected);
  CHECK(values(Tensor::from<std::uint16_t>(DType::bf16, {3}, {0x3f80, 0, 0x4040})) == expected);
  CHECK(values(Tensor::from<std::int64_t>(DType::i64, {3}, {1, 0, 3})) == expected);
  CHECK(values(Tensor::from<std::int32_t>(DType::i32, {3}, {1, 0, 3})) == expected);
  CHECK(values(Tensor::from<std::int16_t>(DType::i16, {3}, {1, 0, 3})) == expected);
  CHECK(values(Tensor::from<std::int8_t>(DType::i8, {3}, {1, 0, 3})) == expected);
  CHECK(values(Tensor::from<std::uint8_t>(DType::u8, {3}, {1, 0, 3})) == expected);
  CHECK(values(Tensor::from<std::uint8_t>(DType::boolean, {2}, {1, 0})) == std::vector<float>{1, 0});
  CHECK(values(Tensor::from<std::int8_t>(DType::i8, {2}, {-128, 127})) == std::vector<float>{-128, 127});
}

TEST_CASE("to_float_type rounds, and shares what needs no rounding") {
  const Tensor tensor = Tensor::from({2}, {1.0f, 1.0f + 0x1p-9f});
  CHECK(to_float_type(tensor, DType::f32).bytes().data() == tensor.bytes().data());
  const Tensor narrow = to_float_type(tensor, DType::bf16);
  CHECK(narrow.dtype() == DType::bf16);
  CHECK(narrow.as<std::uint16_t>()[1] == 0x3f80);
  CHECK(to_float_type(tensor, DType::f16).as<std::uint16_t>()[1] == 0x3c02);
  CHECK(to_float_type(narrow, DType::f16).as<std::uint16_t>()[0] == 0x3c00);
  CHECK_THROWS_AS((void)to_float_type(tensor, DType::i8), Error);
}

}  // namespace giemsa
