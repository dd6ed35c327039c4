#include <cmath>

#include "nets/blueprint.h"
#include "nets/model.h"

namespace giemsa {

namespace {

/// SplitMix64 (Steele et al. 2014): the same numbers on every machine, fast enough for 60 million weights.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  /// Uniform in [-1, 1).
  float operator()() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<float>(static_cast<std::int64_t>(z ^ (z >> 31)) >> 40) * 0x1p-23f;
  }

 private:
  std::uint64_t state_;
};

/// Uniform values of mean `center` and standard deviation `deviation`.
Tensor random_tensor(const Shape& shape, float center, float deviation, Random& random) {
  std::vector<float> values(static_cast<std::size_t>(shape.volume()));
  const float half_width = deviation * std::sqrt(3.f);
  for (float& value : values) value = center + half_width * random();
  return Tensor::from(shape, std::move(values));
}

Tensor random_parameter(const std::string& name, const Shape& shape, Random& random) {
  if (shape.rank() >= 2) {  // He et al. 2015 (arxiv.org/abs/1502.01852): keeps the variance through a ReLU
    const auto fan_in = static_cast<float>(shape.volume() / shape[0]);
    return random_tensor(shape, 0, std::sqrt(2 / fan_in), random);
  }
  if (name.ends_with(".running_var")) return random_tensor(shape, 1, 0.05f, random);
  // A gain of one half keeps residual sums from growing block by block.
  if (name.ends_with(".weight")) return random_tensor(shape, 0.5f, 0.05f, random);
  return random_tensor(shape, 0, 0.05f, random);  // biases and means
}

}  // namespace

Model random_model(const std::string& arch, const std::string& preset, std::uint64_t seed) {
  Model model;
  model.info = preset_info(arch, preset, {}, {});
  if (model.info.is_segmenter())
    model.info.classes = {"background", "white_cell"};
  else
    model.info.classes = {"basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil"};
  model.info.dtype = "fp32";
  model.info.source = cat("random, seed ", seed);
  model.file = cat("random ", arch);
  Random random(seed);
  for (const auto& [name, shape] : blueprint(model.info)) model.tensors[name] = random_parameter(name, shape, random);
  return model;
}

}  // namespace giemsa
