#include "kernels/cpu/imaging/preprocess.h"

#include "kernels/cpu/imaging/resize_rows.h"

namespace giemsa::kernels::cpu {

namespace {

ResizePlan plan_in(std::vector<std::byte>& storage, Extent in, Extent out, ResizeFilter filter) {
  Scratch tables(storage);
  return plan_resize(in, out, filter, tables);
}

}  // namespace

Normalisation::Normalisation(const std::array<float, 3>& mean, const std::array<float, 3>& std, bool bgr)
    : source{bgr ? 2 : 0, 1, bgr ? 0 : 2} {
  for (std::size_t c = 0; c < 3; ++c)
    for (int x = 0; x < 256; ++x) value[c][x] = (static_cast<float>(x) / 255.0f - mean[c]) / std[c];
}

void normalise_row(const Normalisation& table, const std::uint8_t* rgb, std::int64_t width, float* out) {
  for (std::int64_t x = 0; x < width; ++x)
    for (int c = 0; c < 3; ++c) out[x * 3 + c] = table.value[c][rgb[x * 3 + table.source[c]]];
}

Preprocessor::Preprocessor(const PreprocessParams& params, Extent frame)
    : in_(frame),
      out_(params.output),
      normalisation_(params.mean, params.std, params.bgr),
      tables_(resize_plan_bytes(frame, params.output, params.filter)),
      plan_(plan_in(tables_, frame, params.output, params.filter)) {}

std::size_t Preprocessor::scratch_bytes() const {
  return resize_scratch_bytes(in_, out_) + scratch_bytes_of<std::uint8_t>(out_.h * out_.w * 3);
}

void Preprocessor::run(const std::uint8_t* frame, float* out, std::span<std::byte> scratch) const {
  Scratch memory(scratch);
  auto* resized = memory.take<std::uint8_t>(out_.h * out_.w * 3);
  resize_rows(plan_, frame, in_.w * 3, resized, memory, [&](std::int64_t row, const std::uint8_t* rgb) {
    normalise_row(normalisation_, rgb, out_.w, out + row * out_.w * 3);
  });
}

}  // namespace giemsa::kernels::cpu
