#include "engine/cpu/weight_cache.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "engine/graph/fold.h"
#include "kernels/cpu/matmul/quantize.h"

namespace giemsa::cpu {

namespace {

constexpr const char* packed_weights = "packed weights";

dnnl::memory::dims dims_of(const Shape& shape) {
  return {shape.extents().begin(), shape.extents().end()};
}

/// Weights as PyTorch orders them, reordered (and rounded, where the type differs) into `desc`.
void pack(ConvWeights& to, const std::shared_ptr<HostMemory>& memory, void* weights, dnnl::memory::data_type type,
          const dnnl::engine& engine, const dnnl::memory::desc& desc, const dnnl::memory::dims& dims) {
  const auto tag = dims.size() == 5 ? dnnl::memory::format_tag::goihw : dnnl::memory::format_tag::oihw;
  dnnl::memory plain({dims, type, tag}, engine, weights);
  to.pages = allocate_pages(desc.get_size(), memory, packed_weights);
  to.weight = dnnl::memory(desc, engine, to.pages.get());
  dnnl::stream stream(engine);
  dnnl::reorder(plain, to.weight).execute(stream, plain, to.weight);
  stream.wait();
}

/// What a layer is packed for that reads steps of `in_scale` and writes steps of `out_scale`.
std::string use_of(const std::string& what, float in_scale, float out_scale) {
  return cat(what, ' ', std::bit_cast<std::uint32_t>(in_scale), ' ', std::bit_cast<std::uint32_t>(out_scale));
}

/// A matrix as int8, with a scale per row.
struct QuantizedRows {
  QuantizedRows(std::span<const float> matrix, std::size_t rows) : weight(matrix.size()), scale(rows) {
    kernels::quantize_rows(weight.data(), scale.data(), matrix.data(), static_cast<std::int64_t>(rows),
                           static_cast<std::int64_t>(matrix.size() / rows));
  }
  std::vector<std::int8_t> weight;
  std::vector<float> scale;
};

}  // namespace

std::shared_ptr<const ConvWeights> WeightCache::convolution(const Conv2d& op, const Weights& layer,
                                                            const dnnl::engine& engine,
                                                            const dnnl::memory::desc& desc) {
  const bool int8 = data_type_of(desc) == dnnl::memory::data_type::s8;
  const WeightKey key = WeightKey::of(layer, int8 ? "int8 convolution" : "convolution");
  const std::lock_guard lock(mutex_);
  for (auto [it, end] = convolutions_.equal_range(key); it != end; ++it)
    if (it->second.packed->weight.get_desc() == desc) return it->second.packed;

  dnnl::memory::dims dims = dims_of(layer.weight.shape());
  if (op.groups > 1) {
    dims[0] /= op.groups;
    dims.insert(dims.begin(), op.groups);
  }
  DenseWeights dense = fold(layer);
  auto packed = std::make_shared<ConvWeights>();
  if (int8) {
    QuantizedRows rows(dense.weight, dense.bias.size());
    pack(*packed, memory_, rows.weight.data(), dnnl::memory::data_type::s8, engine, desc, dims);
    packed->scale = std::move(rows.scale);
  } else {
    pack(*packed, memory_, dense.weight.data(), dnnl::memory::data_type::f32, engine, desc, dims);
  }
  packed->bias = std::move(dense.bias);
  const std::size_t bytes = desc.get_size() + packed->bias.size() * sizeof(float);
  bytes_ += bytes;
  convolutions_.insert({key, {packed, layer, bytes}});
  return packed;
}

std::shared_ptr<const ConvWeights> WeightCache::depthwise(const Weights& layer, float in_scale, float out_scale) {
  const WeightKey key = WeightKey::of(layer, use_of("depthwise", in_scale, out_scale));
  const std::lock_guard lock(mutex_);
  if (const auto found = convolutions_.find(key); found != convolutions_.end()) return found->second.packed;

  DenseWeights dense = fold(layer);
  for (float& weight : dense.weight) weight *= in_scale / out_scale;
  for (float& bias : dense.bias) bias /= out_scale;
  const std::size_t channels = dense.bias.size(), taps = dense.weight.size() / channels;
  auto packed = std::make_shared<ConvWeights>();
  packed->bias = dense.bias;
  packed->depthwise.resize(dense.weight.size());
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t tap = 0; tap < taps; ++tap) packed->depthwise[tap * channels + c] = dense.weight[c * taps + tap];
  bytes_ += (packed->depthwise.size() + packed->bias.size()) * sizeof(float);
  convolutions_.insert({key, {packed, layer}});
  return packed;
}

std::shared_ptr<const ConvWeights> WeightCache::stem(const kernels::ConvolutionParams& params, const Weights& layer,
                                                     const Buffer& src, const Buffer& dst) {
  const bool int8 = is_8bit(src.dtype);
  const float ratio = src.scale / dst.scale;
  const WeightKey key = WeightKey::of(layer, use_of(cat("stem ", src.dtype), src.scale, dst.scale));
  const std::lock_guard lock(mutex_);
  if (const auto found = convolutions_.find(key); found != convolutions_.end()) return found->second.packed;

  DenseWeights dense = fold(layer);
  auto packed = std::make_shared<ConvWeights>();
  if (int8) {
    QuantizedRows rows(dense.weight, dense.bias.size());
    for (float& scale : rows.scale) scale *= ratio;
    for (float& bias : dense.bias) bias /= dst.scale;
    packed->stem = kernels::pack_stem(params, element_for(src.dtype), rows.weight, dense.bias, rows.scale);
  } else {
    packed->stem = kernels::pack_stem(params, dense.weight, dense.bias);
  }
  bytes_ += packed->stem.lines.size() * sizeof(kernels::StemLine) + packed->stem.bias.size() * sizeof(float);
  convolutions_.insert({key, {packed, layer}});
  return packed;
}

std::shared_ptr<const ConvWeights> WeightCache::winograd(const kernels::ConvolutionParams& params,
                                                         const Weights& layer) {
  const WeightKey key = WeightKey::of(layer, "winograd");
  const std::lock_guard lock(mutex_);
  if (const auto found = convolutions_.find(key); found != convolutions_.end()) return found->second.packed;

  DenseWeights dense = fold(layer);
  auto packed = std::make_shared<ConvWeights>();
  const std::size_t bytes =
      static_cast<std::size_t>(kernels::winograd_weight_lines(params)) * sizeof(kernels::WinogradLine);
  packed->pages = allocate_pages(bytes, memory_, packed_weights);
  auto* lines = reinterpret_cast<kernels::WinogradLine*>(packed->pages.get());
  kernels::pack_winograd(lines, dense.weight.data(), params);
  packed->winograd = lines;
  packed->bias = std::move(dense.bias);
  bytes_ += bytes + packed->bias.size() * sizeof(float);
  convolutions_.insert({key, {packed, layer}});
  return packed;
}

std::shared_ptr<const LinearWeights> WeightCache::linear(const Weights& layer, float in_scale, float out_scale) {
  const WeightKey key = WeightKey::of(layer, use_of("linear", in_scale, out_scale));
  const std::lock_guard lock(mutex_);
  if (const auto found = linears_.find(key); found != linears_.end()) return found->second.packed;

  const Tensor& stored = layer.weight;
  const auto outputs = static_cast<std::size_t>(stored.shape()[0]);
  auto packed = std::make_shared<LinearWeights>();
  if (stored.dtype() == DType::i8) {
    const Tensor scale = to_f32(layer.scale);
    packed->weight = stored;
    packed->scale.assign(scale.as<float>().begin(), scale.as<float>().end());
  } else {
    const Tensor dense = to_f32(stored);
    QuantizedRows rows(dense.as<float>(), outputs);
    packed->weight = Tensor::from(DType::i8, stored.shape(), std::move(rows.weight));
    packed->scale = std::move(rows.scale);
    bytes_ += packed->weight.byte_size();
  }
  packed->bias.assign(outputs, 0.0f);
  if (layer.bias) std::ranges::copy(to_f32(layer.bias).as<float>(), packed->bias.begin());
  for (float& scale : packed->scale) scale *= in_scale / out_scale;
  for (float& bias : packed->bias) bias /= out_scale;
  bytes_ += 2 * outputs * sizeof(float);
  linears_.insert({key, {packed, layer}});
  return packed;
}

std::shared_ptr<const AffineWeights> WeightCache::affine(const Weights& layer, float eps) {
  const WeightKey key = WeightKey::of(layer, "affine", eps);
  const std::lock_guard lock(mutex_);
  if (const auto found = affines_.find(key); found != affines_.end()) return found->second.packed;

  const Tensor gamma = to_f32(layer.weight), beta = to_f32(layer.bias);
  const Tensor mean = to_f32(layer.running_mean), var = to_f32(layer.running_var);
  auto packed = std::make_shared<AffineWeights>();
  for (std::size_t c = 0; c < static_cast<std::size_t>(gamma.size()); ++c) {
    const double scale = gamma.as<float>()[c] / std::sqrt(static_cast<double>(var.as<float>()[c]) + eps);
    packed->scale.push_back(static_cast<float>(scale));
    packed->shift.push_back(static_cast<float>(beta.as<float>()[c] - mean.as<float>()[c] * scale));
  }
  bytes_ += packed->scale.size() * 2 * sizeof(float);
  affines_.insert({key, {packed, layer}});
  return packed;
}

std::shared_ptr<const std::vector<float>> WeightCache::bias(const Weights& layer, std::int64_t outputs) {
  const WeightKey key = WeightKey::of(layer, "bias");
  const std::lock_guard lock(mutex_);
  if (const auto found = biases_.find(key); found != biases_.end()) return found->second.packed;

  auto packed = std::make_shared<std::vector<float>>(static_cast<std::size_t>(outputs), 0.0f);
  if (layer.bias) {
    const Tensor bias = to_f32(layer.bias);
    packed->assign(bias.as<float>().begin(), bias.as<float>().end());
  }
  bytes_ += packed->size() * sizeof(float);
  biases_.insert({key, {packed, layer}});
  return packed;
}

void WeightCache::trim() {
  const std::lock_guard lock(mutex_);
  // Others get hold of a form through this cache alone, under its lock: a count of one stays one.
  const auto is_read = [](const auto& entry) { return entry.second.packed.use_count() > 1; };
  for (auto begin = convolutions_.begin(); begin != convolutions_.end();) {
    const auto end = convolutions_.upper_bound(begin->first);  // of the forms of one layer
    const bool any_is_read = std::any_of(begin, end, is_read);
    for (auto it = begin; it != end;) {
      const auto next = std::next(it);
      const bool is_kept_for_later = !any_is_read && next == end;
      if (!is_read(*it) && !is_kept_for_later) {
        bytes_ -= it->second.bytes;
        convolutions_.erase(it);
      }
      it = next;
    }
    begin = end;
  }
}

std::size_t WeightCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace giemsa::cpu
