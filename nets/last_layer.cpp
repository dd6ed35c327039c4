#include "nets/last_layer.h"

#include <span>
#include <vector>

#include "nets/architecture.h"
#include "nets/smear.h"
#include "weights/crc32.h"

namespace giemsa {

namespace {

/// The names of the last layer's tensors.
struct LastLayerKeys {
  explicit LastLayerKeys(const ModelInfo& info)
      : weight(architecture_of(info).logits_layer(info) + ".weight"),
        bias(architecture_of(info).logits_layer(info) + ".bias"),
        scale(weight + "_scale") {}

  std::string weight, bias, scale;
};

const Tensor* find(const Model& model, const std::string& key) {
  const auto found = model.tensors.find(key);
  return found == model.tensors.end() ? nullptr : &found->second;
}

}  // namespace

LastLayer last_layer_of(const Model& classifier) {
  const LastLayerKeys keys(classifier.info);
  const Tensor* stored = find(classifier, keys.weight);
  check(stored && stored->shape().rank() == 2, ErrorKind::model, classifier.file, ": the last layer, ", keys.weight,
        ", is not fully connected");
  const Tensor weight = to_f32(*stored);
  std::vector<float> values(weight.as<float>().begin(), weight.as<float>().end());
  if (const Tensor* scale = find(classifier, keys.scale)) {
    const auto row = static_cast<std::size_t>(weight.shape()[1]);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] *= scale->as<float>()[i / row];
  }
  const Tensor* bias = find(classifier, keys.bias);
  const std::int64_t classes = weight.shape()[0];
  return {Tensor::from(weight.shape(), std::move(values)),
          bias ? to_f32(*bias) : Tensor::from({classes}, std::vector<float>(static_cast<std::size_t>(classes)))};
}

Model with_last_layer(Model classifier, const LastLayer& layer) {
  const LastLayerKeys keys(classifier.info);
  const Shape expected = last_layer_of(classifier).weight.shape();
  check(layer.weight.shape() == expected && layer.bias.shape() == Shape{expected[0]}, ErrorKind::model,
        classifier.file, ": a last layer of weight ", layer.weight.shape(), " and bias ", layer.bias.shape(),
        " does not fit ", keys.weight, ", which is ", expected);
  check(find(classifier, keys.bias), ErrorKind::model, classifier.file, ": the last layer has no bias to replace");
  classifier.tensors.erase(keys.scale);
  classifier.tensors[keys.weight] = layer.weight;
  classifier.tensors[keys.bias] = layer.bias;
  return classifier;
}

std::string last_layer_mark(const Model& classifier) {
  const LastLayer layer = last_layer_of(classifier);
  std::string bytes = classifier.info.source_sha256;
  for (const Tensor& tensor : {layer.weight, layer.bias})
    bytes.append(reinterpret_cast<const char*>(tensor.bytes().data()), tensor.byte_size());
  return crc32_digits(std::as_bytes(std::span(bytes)));
}

Graph features_graph(const Model& classifier, Size2 frame, CropMode crop) {
  Graph graph = classify_graph(classifier, frame, 1, crop);
  const ValueId logits = graph.producer_of(graph.outputs()[0]).inputs[0];
  graph.mark_output(graph.producer_of(logits).inputs[0]);
  return graph;
}

}  // namespace giemsa
