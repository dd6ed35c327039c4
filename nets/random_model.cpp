#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/base/split_mix.h"
#include "nets/architecture.h"
#include "nets/blueprint.h"
#include "nets/model.h"

namespace giemsa {

namespace {

/// Uniform in [-1, 1).
float symmetric(SplitMix64& random) {
  return static_cast<float>(static_cast<std::int64_t>(random.bits()) >> 40) * 0x1p-23f;
}

/// Uniform values of mean `center` and standard deviation `deviation`.
Tensor random_tensor(const Shape& shape, float center, float deviation, SplitMix64& random) {
  std::vector<float> values(static_cast<std::size_t>(shape.volume()));
  const float half_width = deviation * std::sqrt(3.f);
  for (float& value : values) value = center + half_width * symmetric(random);
  return Tensor::from(shape, std::move(values));
}

Tensor random_parameter(const std::string& name, const Shape& shape, SplitMix64& random) {
  if (shape.rank() >= 2) {  // He et al. 2015 (arxiv.org/abs/1502.01852): keeps the variance through a ReLU
    const auto fan_in = static_cast<float>(shape.volume() / shape[0]);
    return random_tensor(shape, 0, std::sqrt(2 / fan_in), random);
  }
  if (name.ends_with(".running_var")) return random_tensor(shape, 1, 0.05f, random);
  // A gain of one half keeps residual sums from growing block by block.
  if (name.ends_with(".weight")) return random_tensor(shape, 0.5f, 0.05f, random);
  return random_tensor(shape, 0, 0.05f, random);  // biases and means
}

/// The shape of a parameter whose layer has `1 / narrowing` of its channels. Fewer than `least_channels` are those of
/// the image, of the classes, or the one input channel of a depthwise kernel.
Shape narrow(const Shape& shape, std::int64_t narrowing) {
  constexpr std::int64_t least_channels = 16;
  std::vector<std::int64_t> extents(shape.extents().begin(), shape.extents().end());
  for (std::size_t i = 0; i < std::min<std::size_t>(extents.size(), 2); ++i) {
    if (extents[i] < least_channels) continue;
    check(extents[i] % narrowing == 0, ErrorKind::internal, extents[i], " channels cannot be narrowed to one part in ",
          narrowing);
    extents[i] /= narrowing;
  }
  return Shape(extents);
}

}  // namespace

Model random_model(const std::string& arch, const std::string& preset, std::uint64_t seed, std::int64_t narrowing,
                   const OptionTexts& options, const std::vector<std::string>& classes) {
  Model model;
  model.info = preset_info(arch, preset, options, {});
  architecture_of(model.info).check(model.info, ErrorKind::usage);
  switch (architecture_of(model.info).role) {
    case Role::segmenter:
      model.info.classes = {"background", "white_cell"};
      break;
    case Role::classifier:
      model.info.classes = {"basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil"};
      break;
  }
  if (!classes.empty()) model.info.classes = classes;
  model.info.dtype = "fp32";
  model.info.source = cat("random, seed ", seed);
  model.file = cat("random ", arch);
  SplitMix64 random(seed);
  for (const auto& [name, shape] : blueprint(model.info))
    model.tensors[name] = random_parameter(name, narrow(shape, narrowing), random);
  return model;
}

}  // namespace giemsa
