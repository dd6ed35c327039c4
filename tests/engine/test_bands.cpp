// The bands of a convolution: together they are the convolution.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/cpu/bands.h"

namespace giemsa {

namespace {

using cpu::Band;

Shape output_of(const Conv2d& op, const Shape& in) {
  const auto extent = [](std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                         std::int64_t dilation) {
    return (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
  };
  return {in[0], op.out_channels, extent(in[2], op.kernel.h, op.stride.h, op.padding.h, op.dilation.h),
          extent(in[3], op.kernel.w, op.stride.w, op.padding.w, op.dilation.w)};
}

/// That each row of each image's outputs is in one band, whose rows of the input and of padding are those that its
/// first and its last row reach to.
void check_bands(const Conv2d& op, const Shape& in, int threads) {
  CAPTURE(in);
  CAPTURE(threads);
  const Shape out = output_of(op, in);
  std::vector<int> covered(static_cast<std::size_t>(out[0] * out[2]), 0);
  for (const Band& band : cpu::bands_of(op, in, out, threads)) {
    const auto& shape = band.shape;
    CHECK((shape.images == 1 || shape.rows == out[2]));
    CHECK(band.image + shape.images <= out[0]);
    CHECK(band.row + shape.rows <= out[2]);
    for (std::int64_t image = band.image; image < band.image + shape.images; ++image)
      for (std::int64_t row = band.row; row < band.row + shape.rows; ++row)
        ++covered[static_cast<std::size_t>(image * out[2] + row)];
    if (shape.rows == out[2]) {  // images as they are: rows that no output reaches are among them
      CHECK(shape.in_rows == in[2]);
      CHECK(shape.padding_above == op.padding.h);
      CHECK(shape.padding_below == op.padding.h);
      continue;
    }
    const std::int64_t reach = (op.kernel.h - 1) * op.dilation.h;
    CHECK(band.in_row - shape.padding_above == band.row * op.stride.h - op.padding.h);
    CHECK(band.in_row + shape.in_rows + shape.padding_below ==
          (band.row + shape.rows - 1) * op.stride.h - op.padding.h + reach + 1);
    CHECK(shape.in_rows > 0);
    CHECK(band.in_row >= 0);
    CHECK(band.in_row + shape.in_rows <= in[2]);
    CHECK(shape.padding_above >= 0);
    CHECK(shape.padding_below >= 0);
    if (shape.padding_above > 0) CHECK(band.in_row == 0);
    if (shape.padding_below > 0) CHECK(band.in_row + shape.in_rows == in[2]);
  }
  CHECK(std::ranges::all_of(covered, [](int times) { return times == 1; }));
}

Conv2d conv(std::int64_t kernel, std::int64_t stride, std::int64_t padding, std::int64_t dilation) {
  return {.out_channels = 8,
          .kernel = {kernel, kernel},
          .stride = {stride, stride},
          .padding = {padding, padding},
          .dilation = {dilation, dilation}};
}

}  // namespace

TEST_CASE("bands cover a convolution once, with what each reads") {
  for (const Conv2d& op : {conv(1, 1, 0, 1), conv(1, 2, 0, 1), conv(3, 1, 1, 1), conv(3, 2, 1, 1), conv(7, 2, 3, 1),
                           conv(11, 4, 2, 1), conv(3, 1, 12, 12), conv(5, 3, 2, 2)}) {
    CAPTURE(op.text());
    for (const Shape& in :
         {Shape{1, 4, 31, 33}, Shape{1, 4, 128, 97}, Shape{2, 4, 56, 56}, Shape{16, 4, 40, 27}, Shape{3, 4, 224, 13}})
      for (const int threads : {1, 2, 3, 16, 100}) check_bands(op, in, threads);
  }
}

TEST_CASE("a thread alone computes a convolution as one band, as it does a small one") {
  const Conv2d op = conv(3, 1, 1, 1);
  const Shape large{4, 4, 200, 200}, small{1, 4, 13, 13};
  CHECK(cpu::bands_of(op, large, output_of(op, large), 1).size() == 1);
  CHECK(cpu::bands_of(op, large, output_of(op, large), 2).size() > 2);
  CHECK(cpu::bands_of(op, small, output_of(op, small), 16).size() == 1);
}

TEST_CASE("rows that see nothing but padding are no band of their own") {
  const Conv2d op = conv(3, 1, 40, 1);  // 40 rows of padding around 20 of the image
  const Shape in{1, 4, 20, 200};
  const auto bands = cpu::bands_of(op, in, output_of(op, in), 4);
  REQUIRE(bands.size() == 1);
  check_bands(op, in, 4);
}

}  // namespace giemsa
