// giemsa inspect: what a model file holds and how it runs.
#include <iostream>
#include <memory>

#include "engine/device.h"
#include "engine/passes/passes.h"
#include "tools/cli/arguments.h"
#include "tools/cli/model_files.h"
#include "tools/run/json.h"
#include "tools/text/text.h"
#include "weights/mapped_file.h"

namespace giemsa {
namespace {

struct InspectArguments {
  std::string model, input;
  bool json = false, dot = false, unfused = false;
};

Graph network_of(const Model& model, const std::string& input) {
  const InputSize size = input.empty() ? model.info.input : naming("--input", [&] { return InputSize::parse(input); });
  const Size2 extent = size.resolve(usual_frame, size_multiple(model.info));
  Graph graph;
  const ValueId image = graph.input("input", {DType::f32, {1, 3, extent.h, extent.w}});
  graph.mark_output(build_network(graph, image, model));
  if (const auto centres = centre_offsets(graph, model)) graph.mark_output(*centres);
  return graph;
}

Cost total_cost(const Graph& graph) {
  Cost total;
  for (const Node& node : graph.nodes()) {
    const Cost cost = cost_of(graph, node);
    total.bytes += cost.bytes;
    total.flops += cost.flops;
    total.parameters += cost.parameters;
  }
  return total;
}

Json model_json(const Model& model) {
  const ModelInfo& info = model.info;
  Json options = Json::object();
  for (const auto& [name, value] : to_text(info.options)) options[name] = value;
  return {{"file", model.file},
          {"arch", info.arch},
          {"preset", info.preset},
          {"classes", info.classes},
          {"cells", cells_of(info)},
          {"channels", info.channels == ChannelOrder::bgr ? "bgr" : "rgb"},
          {"input", info.input.to_string()},
          {"dtype", info.dtype},
          {"options", std::move(options)},
          {"source", info.source},
          {"source_sha256", info.source_sha256},
          {"converter", info.converter},
          {"calibration", info.calibration.empty() ? Json() : Json(info.calibration)}};
}

void print_json(const Model& model, const Session& session) {
  const Graph& graph = session.graph();
  Json layers = Json::array();
  for (const Node& node : graph.nodes()) {
    const Cost cost = cost_of(graph, node);
    const Value& output = graph[node.output()];
    Json inputs = Json::array();
    for (ValueId input : node.inputs) inputs.push_back(graph.producer_of(input).name);
    layers.push_back({{"name", node.name},
                      {"op", name_of(node.op)},
                      {"description", describe(node.op)},
                      {"inputs", std::move(inputs)},
                      {"output", output.type.shape.extents()},
                      {"parameters", cost.parameters},
                      {"flops", cost.flops},
                      {"bytes", cost.bytes}});
    if (output.int8_scale > 0) layers.back()["int8_scale"] = output.int8_scale;
  }
  Json blocks = Json::array();
  for (std::size_t i = 0; i < session.lifetimes().size(); ++i) {
    const Lifetime& life = session.lifetimes()[i];
    blocks.push_back({{"value", life.name},
                      {"offset", session.plan().offsets[i]},
                      {"bytes", life.bytes},
                      {"first", life.first},
                      {"last", life.last}});
  }
  const Cost total = total_cost(graph);
  const Json document = {{"schema", 1},
                         {"giemsa", GIEMSA_VERSION},
                         {"model", model_json(model)},
                         {"layers", std::move(layers)},
                         {"total", {{"parameters", total.parameters}, {"flops", total.flops}, {"bytes", total.bytes}}},
                         {"memory",
                          {{"arena_bytes", session.plan().arena_bytes},
                           {"peak_live_bytes", session.plan().peak_live_bytes},
                           {"blocks", std::move(blocks)}}}};
  std::cout << to_text(document, 1) << '\n';
}

void print_header(const Model& model) {
  const ModelInfo& info = model.info;
  std::cout << printable(model.file) << ": " << info.arch << ", preset " << info.preset << ", weights in " << info.dtype
            << ", input " << info.input.to_string() << "\nclasses " << printable(join(info.classes, ", ")) << '\n';
  if (info.is_segmenter()) std::cout << "cells " << printable(join(cells_of(info), ", ")) << '\n';
  if (info.channels == ChannelOrder::bgr) std::cout << "channels bgr\n";
  for (const auto& [name, value] : to_text(info.options)) std::cout << name << ' ' << printable(value) << '\n';
  std::cout << "from " << printable(info.source) << " (sha256 " << info.source_sha256.substr(0, 16) << "), by "
            << printable(info.converter) << '\n'
            << (info.calibration.empty() ? "no scales for int8: giemsa calibrate makes them"
                                         : "scales for int8 from the " + printable(info.calibration))
            << "\n\n";
}

void print_table(const Model& model, const Session& session) {
  const Graph& graph = session.graph();
  std::size_t name_width = std::string_view("layer").size();
  for (const Node& node : graph.nodes()) name_width = std::max(name_width, node.name.size());

  print_header(model);
  std::cout << padded("layer", name_width)
            << "  op                             output                parameters      MFLOP"
            << (model.info.calibration.empty() ? "\n" : "  int8 scale\n");
  for (const Node& node : graph.nodes()) {
    const Cost cost = cost_of(graph, node);
    const Value& output = graph[node.output()];
    std::cout << padded(node.name, name_width) << "  " << padded(describe(node.op), 29) << "  "
              << padded(cat(output.type.shape), 20)
              << format("%12lld %10.2f", static_cast<long long>(cost.parameters), cost.flops / 1e6)
              << (output.int8_scale > 0 ? format("  %10.3g\n", static_cast<double>(output.int8_scale)) : "\n");
  }
  const Cost total = total_cost(graph);
  std::cout << format("\n%.2f M parameters, %.2f GFLOP, %.1f MB of memory traffic at least\n\n",
                      static_cast<double>(total.parameters) / 1e6, total.flops / 1e9, total.bytes / 1e6)
            << "memory plan, in bytes and steps\n"
            << to_table(session.plan(), session.lifetimes());
}

/// Graphviz: one box a layer.
void print_dot(const Graph& graph) {
  std::cout << "digraph network {\n  node [shape=box, fontname=sans];\n";
  for (const Node& node : graph.nodes()) {
    std::cout << "  \"" << node.name << "\" [label=\"" << node.name << "\\n"
              << describe(node.op) << "\\n"
              << graph[node.output()].type.shape << "\"];\n";
    for (ValueId input : node.inputs)
      std::cout << "  \"" << graph.producer_of(input).name << "\" -> \"" << node.name << "\";\n";
  }
  std::cout << "}\n";
}

Exit inspect(const InspectArguments& arguments) {
  const Model model = open_model(arguments.model);
  const Graph graph = network_of(model, arguments.input);
  if (arguments.dot) {
    print_dot(arguments.unfused ? graph : optimize(graph));
    return Exit::ok;
  }
  const auto session = open_device({.device = "cpu"})->compile(graph, !arguments.unfused);
  if (arguments.json)
    print_json(model, *session);
  else
    print_table(model, *session);
  return Exit::ok;
}

constexpr const char* inspect_footer = R"(Examples:
  giemsa inspect weights/pretrained/alexnet_wbc.safetensors
  giemsa inspect model.safetensors --input 512x512 --json
  giemsa inspect model.safetensors --dot | dot -Tsvg > model.svg)";

}  // namespace

void add_inspect(CommandLine& line) {
  auto arguments = std::make_shared<InspectArguments>();
  InspectArguments& a = *arguments;
  Subcommand command(line, "inspect", "show a network: layers, shapes, parameters, FLOPs, memory plan", inspect_footer);
  command.option("MODEL", &a.model, " ", "a model file that giemsa convert made").required();
  command.option("--input", &a.input, "WxH|LONG",
                 "size of the network's input (default: the model's own, for a 640x480 image)");
  command.flag("--unfused", a.unfused, "the graph as built, before the passes that fuse layers");
  Option json = command.flag("--json", a.json, "machine-readable");
  command.flag("--dot", a.dot, "a drawing for Graphviz").excludes(json);
  command.runs([arguments] { return inspect(*arguments); });
}

}  // namespace giemsa
