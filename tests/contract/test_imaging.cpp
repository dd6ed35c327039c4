// Preprocess and CropResize against their references: resampled as bytes, then normalised in fp32.
#include "kernels/cpu/imaging/crop_resize.h"
#include "tests/contract/contract.h"
#include "tests/ops/crop_resize_cases.h"
#include "tests/ops/random_picture.h"
#include "tests/ops/resize_cases.h"
#include "tests/ref/crop.h"

namespace giemsa {

namespace {

Tensor frame_of(const ref::Picture& picture) {
  return Tensor::from(DType::u8, Shape{1, picture.size.h, picture.size.w, 3}, picture.rgb);
}

/// {N,3,h,w} of `pictures`, as torchvision normalises bytes in fp32. Bilinear matches to the bit; bicubic may differ by
/// one level: see kernels/cpu/imaging/resize.h.
template <class ImageOp>
ref::Reference normalised(const ImageOp& op, const std::vector<ref::Picture>& pictures) {
  ref::Reference expected({static_cast<std::int64_t>(pictures.size()), 3, op.output.h, op.output.w}, 0);
  if (op.filter == ResizeFilter::bicubic) expected.freedom = 1.0 / 255.0 / *std::ranges::min_element(op.std) * 1.001;
  ref::for_each_element(expected.shape, [&](auto n, auto c, auto y, auto x, std::size_t i) {
    const auto channel = static_cast<std::size_t>(c);
    const std::uint8_t level =
        pictures[static_cast<std::size_t>(n)].at(y, x, op.channels == ChannelOrder::bgr ? 2 - c : c);
    expected.value[i] = (static_cast<float>(level) / 255.0f - op.mean[channel]) / op.std[channel];
  });
  return expected;
}

/// What a network can ask for. A filter, a mode and an order of colours do not meet in one loop: not each with each.
struct Look {
  const char* name;
  ResizeFilter filter;
  CropMode mode;
  ChannelOrder channels;
};

constexpr Look looks[] = {
    {", bilinear, tight, rgb", ResizeFilter::bilinear, CropMode::tight, ChannelOrder::rgb},
    {", bicubic, matlab, rgb", ResizeFilter::bicubic, CropMode::matlab, ChannelOrder::rgb},
    {", bilinear, matlab, bgr", ResizeFilter::bilinear, CropMode::matlab, ChannelOrder::bgr},
};

}  // namespace

GIEMSA_CONTRACT(Preprocess) {
  for (const test::ResizeCase& item : test::resize_cases) {
    SUBCASE(item.name) {
      const ref::Picture in = test::random_picture(item.in, 13);
      for (const Look& look : looks) {
        const Preprocess op{.output = item.out, .filter = look.filter, .channels = look.channels};
        contract::check_op(cat(item.name, look.name), contract::adds(op), {frame_of(in)},
                           normalised(op, {ref::resize(in, item.out, look.filter)}));
      }
    }
  }
}

GIEMSA_CONTRACT(CropResize) {
  // A box alone, and beside another: in one batch boxes differ in size.
  constexpr kernels::cpu::Box pixel{0, 0, 1, 1};
  for (const test::CropCase& item : test::crop_cases) {
    SUBCASE(item.name) {
      const ref::Picture in = test::random_picture(item.frame, 13);
      for (const Look& look : looks) {
        const CropResize op{.output = item.output, .mode = look.mode, .filter = look.filter, .channels = look.channels};
        std::vector<std::int32_t> boxes;
        std::vector<ref::Picture> expected;
        for (const kernels::cpu::Box& box : {item.box, pixel}) {
          boxes.insert(boxes.end(), {box.x, box.y, box.w, box.h});
          const ref::Picture crop = ref::crop(in, box.x, box.y, box.w, box.h, look.mode);
          if (box == item.box) CHECK(crop.size == (look.mode == CropMode::tight ? item.tight : item.matlab));
          expected.push_back(ref::resize(crop, item.output, look.filter));
        }
        contract::check_op(cat(item.name, look.name), contract::adds(op),
                           {frame_of(in), Tensor::from(DType::i32, Shape{2, 4}, std::move(boxes))},
                           normalised(op, expected));
      }
    }
  }
}

}  // namespace giemsa
