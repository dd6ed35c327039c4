#include "engine/cpu/bands.h"

#include <algorithm>

namespace giemsa::cpu {

namespace {

// Chosen once; other values were not tried.
constexpr std::int64_t bands_a_thread = 4;
constexpr std::int64_t least_pixels = 96;  // of a band: so many use each weight once it is fetched

Band whole_images(const Conv2d& op, const Shape& in, const Shape& out, std::int64_t image, std::int64_t images) {
  return {{images, out[2], in[2], op.padding.h, op.padding.h}, image, 0, 0};
}

Band rows_of_image(const Conv2d& op, std::int64_t in_height, std::int64_t image, std::int64_t row, std::int64_t rows) {
  const std::int64_t first = row * op.stride.h - op.padding.h;
  const std::int64_t last = (row + rows - 1) * op.stride.h - op.padding.h + (op.kernel.h - 1) * op.dilation.h;
  const std::int64_t in_row = std::max<std::int64_t>(first, 0), in_end = std::min(last + 1, in_height);
  return {
      {1, rows, in_end - in_row, std::max<std::int64_t>(-first, 0), std::max<std::int64_t>(last + 1 - in_height, 0)},
      image,
      row,
      in_row};
}

}  // namespace

std::vector<Band> bands_of(const Conv2d& op, const Shape& in, const Shape& out, int threads) {
  const std::int64_t images = out[0], height = out[2], width = out[3];
  const std::vector<Band> whole{whole_images(op, in, out, 0, images)};
  const std::int64_t most = images * height * width / least_pixels;
  const std::int64_t wanted = std::min(bands_a_thread * threads, most);
  if (threads == 1 || wanted < 2) return whole;

  std::vector<Band> bands;
  if (images >= wanted || height == 1) {
    const std::int64_t each = std::max<std::int64_t>(1, images / wanted);
    for (std::int64_t image = 0; image < images; image += each)
      bands.push_back(whole_images(op, in, out, image, std::min(each, images - image)));
    return bands;
  }
  const std::int64_t parts = (wanted + images - 1) / images;
  const std::int64_t each = (height + parts - 1) / parts;
  for (std::int64_t image = 0; image < images; ++image)
    for (std::int64_t row = 0; row < height; row += each)
      bands.push_back(rows_of_image(op, in[2], image, row, std::min(each, height - row)));
  // Wide padding lets whole bands see nothing of the image, which no convolution by itself does.
  const bool all_see = std::ranges::all_of(bands, [](const Band& band) { return band.shape.in_rows > 0; });
  return all_see ? bands : whole;
}

}  // namespace giemsa::cpu
