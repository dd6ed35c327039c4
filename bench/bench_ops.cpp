// The ops that are not convolutions (bench_conv has those): every distinct one of the whole way of a 720x576 frame, as
// it runs after the passes; then others that are worth a look, in the same sizes.
#include <algorithm>
#include <cstring>
#include <set>

#include "bench/masks.h"
#include "bench/one_node.h"
#include "engine/base/region.h"
#include "engine/cpu/backend.h"
#include "engine/passes/passes.h"
#include "nets/smear.h"

namespace giemsa {
namespace {

constexpr Size2 frame{576, 720};

Tensor random_weight(DType dtype, const Shape& shape) {
  const InputBytes bytes = arbitrary({dtype, shape});
  if (dtype == DType::i8) {
    std::vector<std::int8_t> values(bytes.size());
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return Tensor::from(dtype, shape, std::move(values));
  }
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return Tensor::from(shape, std::move(values));
}

/// An op of the network, which runs in the network's precision.
void network_op(const std::string& name, const Op& op, const TensorType& input, const Shape& weight = {0}) {
  const auto make_graph = [=] {
    std::vector<Weights> weights;
    if (weight.volume() > 0) weights.emplace_back().weight = random_weight(DType::f32, weight);
    return graph_of(Node{.name = name, .op = op, .inputs = {}, .outputs = {ValueId{}}, .weights = std::move(weights)},
                    {input});
  };
  for (DType precision : precisions()) register_node(name, precision, make_graph);
}

void register_network_ops() {
  const auto picture = [](std::int64_t channels, std::int64_t side) {
    return TensorType{DType::f32, {1, channels, side, side}};
  };
  for (std::int64_t rate : {12, 24, 36})
    network_op(
        cat("depthwise/2048x32x32 rate ", rate),
        Conv2d{
            .out_channels = 2048, .kernel = {3, 3}, .padding = {rate, rate}, .dilation = {rate, rate}, .groups = 2048},
        picture(2048, 32), {2048, 1, 3, 3});
  network_op("depthwise/304x128x128", Conv2d{.out_channels = 304, .kernel = {3, 3}, .padding = {1, 1}, .groups = 304},
             picture(304, 128), {304, 1, 3, 3});
  network_op("max_pool/64x256x256", MaxPool{{3, 3}, {2, 2}, {1, 1}}, picture(64, 256));
  network_op("avg_pool/2048x32x32", AdaptiveAvgPool{}, picture(2048, 32));
  network_op("upsample/256x32x32 to 128x128", Upsample{{128, 128}, true}, picture(256, 32));
  network_op("upsample/2x128x128 to 512x512", Upsample{{512, 512}, true}, picture(2, 128));
  network_op("upsample_threshold/2x128x128 to 720x576", UpsampleThreshold{frame, true}, picture(2, 128));
  network_op("lrn/96x55x55", Lrn{}, picture(96, 55));
}

void register_linear() {
  for (auto [in, out] : {std::pair<std::int64_t, std::int64_t>{9216, 4096}, {4096, 4096}})
    for (DType dtype : {DType::i8, DType::f32})
      for (std::int64_t batch : {1, 4, 16})
        register_node(cat("linear/", dtype, " weights/", batch, 'x', in, " to ", out), DType::f32, [=] {
          Weights weights;
          weights.weight = random_weight(dtype, {out, in});
          weights.bias = random_weight(DType::f32, {out});
          if (dtype == DType::i8) weights.scale = random_weight(DType::f32, {out});
          return graph_of(
              Node{.name = "linear", .op = Linear{out}, .inputs = {}, .outputs = {ValueId{}}, .weights = {weights}},
              {{DType::f32, {batch, in}}});
        });
}

/// i32 {count,4}: boxes of white cells' size.
InputBytes boxes_of_cells(std::int64_t count) {
  std::vector<std::int32_t> box;
  for (std::int32_t i = 0; i < count; ++i) box.insert(box.end(), {37 * i, 29 * i, 60 + 4 * i, 60 + 5 * i});
  InputBytes bytes(box.size() * sizeof box[0]);
  std::memcpy(bytes.data(), box.data(), bytes.size());
  return bytes;
}

void register_pictures() {
  const TensorType picture{DType::u8, {1, frame.h, frame.w, 3}};
  for (auto [filter, name] : {std::pair{ResizeFilter::bilinear, "bilinear"}, {ResizeFilter::bicubic, "bicubic"}}) {
    register_node(cat("preprocess/720x576 to 512x512 ", name), DType::f32, [=] {
      return graph_of(Preprocess{{512, 512}, filter}, {picture});
    });
    const auto boxes = [](const Graph& graph) {
      return std::vector<InputBytes>{arbitrary(graph[graph.inputs()[0]].type), boxes_of_cells(16)};
    };
    register_node(
        cat("crop_resize/16 boxes to 224x224 ", name), DType::f32,
        [=] {
          return graph_of(CropResize{{224, 224}, CropMode::tight, filter}, {picture, {DType::i32, {16, 4}}});
        },
        boxes);
  }
}

/// The labels of a mask, as bytes: what Regions reads.
InputBytes labels_of(const InputBytes& mask, const TensorType& type) {
  const Graph graph = graph_of(Components{}, {type});
  const auto session = make_cpu_backend()->compile(graph);
  const void* input = mask.data();
  session->run({&input, 1});
  const auto labels = std::as_bytes(session->output<std::int32_t>());
  return {labels.begin(), labels.end()};
}

void register_masks() {
  for (Size2 size : {frame, Size2{4096, 4096}})
    for (const char* pattern : {"blobs", "spiral", "checkerboard"}) {
      const TensorType type{DType::u8, {1, 1, size.h, size.w}};
      const auto mask = [=](const Graph&) { return std::vector<InputBytes>{make_mask(pattern, size)}; };
      const auto name = [&](const char* op) { return cat(op, '/', size.w, 'x', size.h, ' ', pattern); };
      const auto add = [&](const char* op_name, const Op& op) {
        register_node(
            name(op_name), DType::f32, [=] { return graph_of(op, {type}); }, mask);
      };
      add("fill_holes", FillHoles{});
      add("area_open", AreaOpen{200});
      add("components", Components{});
      register_node(
          name("regions"), DType::f32,
          [=] {
            const TensorType labels{DType::i32, type.shape};
            return graph_of(Regions{max_regions(size.h, size.w, 200)}, {labels});
          },
          [=](const Graph&) { return std::vector<InputBytes>{labels_of(make_mask(pattern, size), type)}; });
    }
}

/// What an op of the whole way finds in its input: cells in masks and labels, anything where it makes no difference.
std::vector<InputBytes> inputs_of(const Op& op, const std::vector<TensorType>& types) {
  std::vector<InputBytes> inputs;
  for (const TensorType& type : types) {
    const Size2 size{type.shape[type.shape.rank() - 2], type.shape[type.shape.rank() - 1]};
    const TensorType mask{DType::u8, type.shape};
    if (type.dtype == DType::i32 && std::holds_alternative<CropResize>(op))
      inputs.push_back(boxes_of_cells(type.shape[0]));
    else if (type.dtype == DType::i32)
      inputs.push_back(labels_of(make_mask("blobs", size), mask));
    else if (type.dtype == DType::u8 && type.shape[1] == 1)
      inputs.push_back(make_mask("blobs", size));
    else
      inputs.push_back(arbitrary(type));
  }
  return inputs;
}

/// Every distinct op of `way` that computes something and is no convolution.
void register_graph(const std::string& title, const Graph& way, std::set<std::string>& seen) {
  const Graph graph = optimize(way);
  for (const Node& node : graph.nodes()) {
    if (std::holds_alternative<Input>(node.op) || std::holds_alternative<Conv2d>(node.op)) continue;
    std::vector<TensorType> inputs;
    std::string shapes;
    for (ValueId input : node.inputs) {
      inputs.push_back(graph[input].type);
      shapes += cat(inputs.back().shape);
    }
    if (!seen.insert(cat(name_of(node.op), shapes, graph[node.output()].type.shape)).second) continue;
    const bool in_network = !inputs.empty() && is_feature_map(inputs[0]);
    for (DType precision : in_network ? precisions() : std::vector{DType::f32})
      register_node(
          cat(title, '/', name_of(node.op), '/', node.name), precision,
          [node, inputs] { return graph_of(node, inputs); },
          [node, inputs](const Graph&) { return inputs_of(node.op, inputs); });
  }
}

void register_whole_way() {
  std::set<std::string> seen;
  const Model segmenter = random_model("deeplabv3plus", "smp", 1);
  SmearOptions options;
  options.segment_size = InputSize::parse("512x512");
  register_graph("segment", segment_graph(segmenter, frame, options), seen);
  options.mask_at_frame_resolution = false;
  register_graph("segment, mask at 512x512", segment_graph(segmenter, frame, options), seen);
  for (const char* preset : {"torchvision", "caffe"})
    for (std::int64_t batch : {1, 16})
      register_graph(cat("classify, ", preset, ", batch ", batch),
                     classify_graph(random_model("alexnet", preset, 1), frame, batch, CropMode::tight), seen);
}

}  // namespace
}  // namespace giemsa

int main(int argc, char** argv) {
  using namespace giemsa;
  register_whole_way();
  register_network_ops();
  register_linear();
  register_pictures();
  register_masks();
  return run_benchmarks(argc, argv);
}
