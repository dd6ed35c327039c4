#include "nets/onnx/export.h"

#include "engine/base/atomic_file.h"
#include "nets/onnx/operators.h"
#include "weights/sha256.h"

namespace giemsa {

namespace {

/// protobuf's readers count a message's bytes in 31 bits.
constexpr std::size_t largest_file = (std::size_t{1} << 31) - 1;

void write_file(const std::filesystem::path& path, const Message& message) {
  naming(path.string(), [&] {
    AtomicFile file(path);
    message.write([&](ByteView bytes) { file.write(bytes); });
    file.commit();
  });
}

}  // namespace

Message to_onnx(const Graph& graph, const std::map<std::string, std::string>& metadata) {
  onnx::GraphProto proto("network");
  for (const Node& node : graph.nodes()) onnx::append(proto, graph, node);
  for (const Node& node : graph.nodes())
    for (ValueId id : node.outputs) {
      Message info = onnx::value_info(graph[id].name, graph[id].type.shape);
      if (graph.is_output(id))
        proto.output(std::move(info));
      else if (!std::holds_alternative<Input>(node.op))
        proto.value(std::move(info));
    }
  return onnx::model(std::move(proto), metadata);
}

OnnxReport export_onnx(const Model& model, const std::optional<InputSize>& input, const std::filesystem::path& target) {
  const Size2 size = input.value_or(model.info.input).resolve(usual_frame, size_multiple(model.info));
  Graph graph;
  const ValueId image = graph.input("input", {DType::f32, {1, 3, size.h, size.w}});
  const ValueId logits = build_network(graph, image, model);
  graph.mark_output(logits);
  if (const auto centres = centre_offsets(graph, model)) graph.mark_output(*centres);

  OnnxReport report{model.info, graph[image].type.shape, graph[logits].type.shape, graph[logits].name,
                    graph.nodes().size()};
  report.info.dtype = "fp32";
  report.info.input = {size, 0};
  auto metadata = to_metadata(report.info);
  metadata["model_sha256"] = sha256(map_file(model.file).bytes);
  const Message message = to_onnx(graph, metadata);
  check(message.size() <= largest_file, ErrorKind::output, target.string(), ": an ONNX file of ", message.size(),
        " bytes exceeds the format's limit of ", largest_file);
  write_file(target, message);
  report.bytes = message.size();
  return report;
}

std::string to_text(const OnnxReport& report) {
  const auto batched = [](const Shape& shape) {
    std::string text = cat("{", onnx::batch_name);
    for (int i = 1; i < shape.rank(); ++i) text += cat(',', shape[i]);
    return text + '}';
  };
  return cat(report.info.arch, " of preset ", report.info.preset, " as ONNX, operator set ", onnx::operator_set,
             ", weights in fp32\n  input ", batched(report.input),
             ", normalised: ", report.info.channels == ChannelOrder::bgr ? "BGR" : "RGB",
             " / 255, mean, std (see its metadata)\n  ", report.output_name, ' ', batched(report.output),
             ", logits\nwrote ", report.nodes, " layers, ", report.bytes, " bytes\n");
}

}  // namespace giemsa
