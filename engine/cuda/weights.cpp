#include "engine/cuda/weights.h"

#include <cmath>

#include "engine/graph/fold.h"
#include "kernels/conv2d.h"

namespace giemsa::cuda {

namespace {

constexpr std::size_t alignment = 256;

std::size_t aligned(std::size_t bytes) {
  return (bytes + alignment - 1) / alignment * alignment;
}

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
  const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
  return {bytes, bytes + values.size() * sizeof(T)};
}

/// Rounds to `precision`.
std::vector<std::byte> stored(const Weights& layer, const std::vector<float>& values, DType precision) {
  if (precision == DType::f32) return bytes_of(values);
  std::vector<kernels::Half> halves;
  halves.reserve(values.size());
  constexpr float largest = 65504;
  for (const float value : values) {
    check(!(std::abs(value) > largest), ErrorKind::model, "layer ", layer.layer, ": weight ", value,
          " exceeds fp16's range; use fp32");
    halves.push_back({f32_to_f16(value)});
  }
  return bytes_of(halves);
}

template <class T>
std::vector<std::byte> packed_convolution(const std::vector<std::byte>& weight, const kernels::Conv2dParams& params) {
  std::vector<T> packed(kernels::packed_weight_size(params));
  kernels::pack_conv2d_weight(packed.data(), reinterpret_cast<const T*>(weight.data()), params);
  return bytes_of(packed);
}

/// {outputs, inputs} from {rows, columns}, larger or equal in both, columns in the map's order of memory.
template <class T>
std::vector<T> padded_matrix(std::span<const T> matrix, std::int64_t rows, std::int64_t columns, std::int64_t outputs,
                             std::int64_t inputs, const Shape* map) {
  std::vector<T> result(static_cast<std::size_t>(outputs * inputs), T{});
  for (std::int64_t row = 0; row < rows; ++row) {
    const T* from = matrix.data() + row * columns;
    T* to = result.data() + row * inputs;
    if (!map) {
      std::copy(from, from + columns, to);
      continue;
    }
    const std::int64_t channels = (*map)[1], pixels = (*map)[2] * (*map)[3];
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t pixel = 0; pixel < pixels; ++pixel) to[pixel * channels + c] = from[c * pixels + pixel];
  }
  return result;
}

std::vector<float> padded(const Tensor& tensor, std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count), 0.0f);
  if (!tensor) return values;
  const Tensor wide = to_f32(tensor);
  std::copy(wide.as<float>().begin(), wide.as<float>().end(), values.begin());
  return values;
}

}  // namespace

template <class Pack>
const LayerWeights& WeightStore::find_or_make(const Weights& layer, std::string use, const Pack& pack) {
  WeightKey key = WeightKey::of(layer, std::move(use));
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(key); found != entries_.end()) return found->second.layer;

  const Packed packed = pack();
  const std::size_t bias = aligned(packed.weight.size()), scale = bias + aligned(packed.bias.size() * sizeof(float));
  const std::size_t typed_bias = scale + aligned(packed.scale.size() * sizeof(float));
  const std::size_t total = typed_bias + aligned(packed.typed_bias.size());
  Entry entry{{}, device_memory(total), layer};
  const OwnedStream stream;
  const auto place = [&](std::size_t offset, const void* from, std::size_t bytes) -> void* {
    if (bytes == 0) return nullptr;
    void* to = static_cast<std::byte*>(entry.memory.get()) + offset;
    copy(to, from, bytes, stream.get());
    return to;
  };
  entry.layer.weight = place(0, packed.weight.data(), packed.weight.size());
  entry.layer.bias = static_cast<float*>(place(bias, packed.bias.data(), packed.bias.size() * sizeof(float)));
  entry.layer.scale = static_cast<float*>(place(scale, packed.scale.data(), packed.scale.size() * sizeof(float)));
  entry.layer.typed_bias = place(typed_bias, packed.typed_bias.data(), packed.typed_bias.size());
  synchronise(stream.get());
  bytes_ += total;
  return entries_.emplace(std::move(key), std::move(entry)).first->second.layer;
}

const LayerWeights& WeightStore::convolution(const Conv2d& op, const Weights& layer, std::int64_t in_channels,
                                             DType precision) {
  return find_or_make(layer, cat("convolution ", precision), [&] {
    kernels::Conv2dParams params;
    params.in_channels = static_cast<int>(in_channels);
    params.out_channels = static_cast<int>(op.out_channels);
    params.kernel = {static_cast<int>(op.kernel.h), static_cast<int>(op.kernel.w)};
    params.groups = static_cast<int>(op.groups);
    DenseWeights dense = fold(layer);
    const std::vector<std::byte> plain = stored(layer, dense.weight, precision);
    return Packed{precision == DType::f16 ? packed_convolution<kernels::Half>(plain, params)
                                          : packed_convolution<float>(plain, params),
                  std::move(dense.bias),
                  {}};
  });
}

const LayerWeights& WeightStore::convolution_of_vendor(const Weights& layer, std::int64_t row, DType precision,
                                                       DType bias_type) {
  return find_or_make(layer, cat("convolution ", precision, ", rows of ", row, ", bias ", bias_type), [&] {
    const Shape& shape = layer.weight.shape();  // {O, I/groups, kh, kw}
    const auto channels = static_cast<std::size_t>(shape[1]), taps = static_cast<std::size_t>(shape[2] * shape[3]);
    const DenseWeights dense = fold(layer);
    std::vector<float> rows(static_cast<std::size_t>(shape[0] * row), 0.0f);
    for (std::size_t o = 0; o < dense.bias.size(); ++o)
      for (std::size_t c = 0; c < channels; ++c)
        for (std::size_t tap = 0; tap < taps; ++tap)
          rows[o * static_cast<std::size_t>(row) + tap * channels + c] = dense.weight[(o * channels + c) * taps + tap];
    return Packed{stored(layer, rows, precision), {}, {}, stored(layer, dense.bias, bias_type)};
  });
}

const LayerWeights& WeightStore::depthwise(const Weights& layer, std::int64_t channels, DType precision) {
  return find_or_make(layer, cat("depthwise ", precision, ' ', channels), [&] {
    DenseWeights dense = fold(layer);
    const std::size_t real = dense.bias.size(), taps = dense.weight.size() / real;
    const auto all = static_cast<std::size_t>(channels);
    std::vector<float> tap_major(taps * all, 0.0f);
    for (std::size_t c = 0; c < real; ++c)
      for (std::size_t tap = 0; tap < taps; ++tap) tap_major[tap * all + c] = dense.weight[c * taps + tap];
    dense.bias.resize(all, 0.0f);
    return Packed{stored(layer, tap_major, precision), std::move(dense.bias), {}};
  });
}

const LayerWeights& WeightStore::affine(const Weights& layer, float eps) {
  return find_or_make(layer, "affine", [&] {
    const Tensor gamma = to_f32(layer.weight), beta = to_f32(layer.bias);
    const Tensor mean = to_f32(layer.running_mean), var = to_f32(layer.running_var);
    Packed packed;
    for (std::size_t c = 0; c < static_cast<std::size_t>(gamma.size()); ++c) {
      const double scale = gamma.as<float>()[c] / std::sqrt(static_cast<double>(var.as<float>()[c]) + eps);
      packed.scale.push_back(static_cast<float>(scale));
      packed.bias.push_back(static_cast<float>(beta.as<float>()[c] - mean.as<float>()[c] * scale));
    }
    return packed;
  });
}

const LayerWeights& WeightStore::linear(const Weights& layer, std::int64_t outputs, std::int64_t inputs,
                                        const Shape* map, DType precision, std::optional<DType> bias_type) {
  const std::string use = cat("linear ", precision, ' ', outputs, 'x', inputs, map ? cat(' ', *map) : "",
                              bias_type ? cat(", bias ", *bias_type) : "");
  return find_or_make(layer, use, [&] {
    const Tensor& weight = layer.weight;
    const std::int64_t rows = weight.shape()[0], columns = weight.shape()[1];
    Packed packed;
    if (weight.dtype() == DType::i8) {
      packed.weight = bytes_of(padded_matrix(weight.as<std::int8_t>(), rows, columns, outputs, inputs, map));
      packed.scale = padded(layer.scale, outputs);
    } else {
      const Tensor wide = to_f32(weight);
      packed.weight = stored(layer, padded_matrix(wide.as<float>(), rows, columns, outputs, inputs, map), precision);
    }
    packed.bias = padded(layer.bias, outputs);
    if (bias_type) packed.typed_bias = stored(layer, packed.bias, *bias_type);
    return packed;
  });
}

std::size_t WeightStore::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace giemsa::cuda
