#include "tools/bench/trace_json.h"

#include <algorithm>

#include "tools/text/text.h"

namespace giemsa::bench {
namespace {

Json event(const std::string& name, const char* category, double start_us, double duration_us, Json args) {
  return {{"name", name},
          {"cat", category},
          {"ph", "X"},
          {"ts", rounded(start_us, 3)},
          {"dur", rounded(duration_us, 3)},
          {"pid", 1},
          {"tid", 1},
          {"args", std::move(args)}};
}

Json name_event(const char* what, const char* name) {
  return {{"name", what}, {"ph", "M"}, {"pid", 1}, {"tid", 1}, {"args", {{"name", name}}}};
}

/// The rates in precisions narrower than fp32 that the device has, by the name that the document gives them.
std::vector<std::pair<const char*, double>> narrow_rates(const Ceilings& ceilings) {
  std::vector<std::pair<const char*, double>> rates{
      {"fp16_flops", ceilings.fp16_flops}, {"bf16_flops", ceilings.bf16_flops}, {"int8_ops", ceilings.int8_ops}};
  std::erase_if(rates, [](const auto& rate) { return rate.second <= 0; });
  return rates;
}

double percent_of_limit(const LayerTime& layer, const Ceilings& ceilings, DType precision) {
  return 100 * least_ms(layer, ceilings, precision) / layer.median_ms;
}

}  // namespace

Json trace_json(const LayerProfile& profile, const Graph& graph, DType precision, const Ceilings* ceilings,
                const TraceFacts& facts, std::string (*describe)(const Op&)) {
  Json events = Json::array({name_event("process_name", "giemsa"), name_event("thread_name", "layers")});
  events.push_back(event("run", "run", 0, profile.total_ms * 1000, {{"layers", profile.layers.size()}}));
  double start_us = 0;
  for (const LayerTime& layer : profile.layers) {
    const Node& node = graph[layer.node];
    Json args = {{"op", describe(node.op)},
                 {"shape", graph[node.output()].type.shape.extents()},
                 {"flops", layer.flops},
                 {"bytes", layer.bytes},
                 {"median_ms", rounded(layer.median_ms, 6)}};
    if (ceilings && layer.median_ms > 0)
      args["percent_of_limit"] = rounded(percent_of_limit(layer, *ceilings, precision), 1);
    if (!layer.computed_by.empty()) args["computed_by"] = layer.computed_by;
    events.push_back(event(layer.name, "layer", start_us, layer.ms * 1000, std::move(args)));
    start_us += layer.ms * 1000;
  }
  Json other = Json::object();
  for (const auto& [name, value] : facts) other[name] = value;
  if (ceilings) {
    other["fp32_flops"] = ceilings->fp32_flops;
    for (const auto& [name, rate] : narrow_rates(*ceilings)) other[name] = rate;
    other["copy_bytes"] = ceilings->copy_bytes;
  }
  return {{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}, {"otherData", std::move(other)}};
}

std::string trace_table(const LayerProfile& profile, const Graph& graph, DType precision, const Ceilings* ceilings,
                        std::size_t top, std::string (*describe)(const Op&)) {
  std::vector<LayerTime> layers = profile.layers;
  std::ranges::stable_sort(layers, std::greater{}, &LayerTime::median_ms);
  double sum = 0;
  for (const LayerTime& layer : layers) sum += layer.median_ms;

  std::string table = "       ms      %   GFLOP/s      GB/s  % limit  layer\n";
  for (std::size_t i = 0; i < std::min(top, layers.size()); ++i) {
    const LayerTime& layer = layers[i];
    const Node& node = graph[layer.node];
    const double per_s = layer.median_ms > 0 ? 1000 / layer.median_ms : 0;
    table += format("%9.3f %6.1f %9.1f %9.1f ", layer.median_ms, sum > 0 ? 100 * layer.median_ms / sum : 0,
                    layer.flops * per_s * 1e-9, layer.bytes * per_s * 1e-9);
    table += ceilings && layer.median_ms > 0 ? format("%8.1f", percent_of_limit(layer, *ceilings, precision))
                                             : std::string("       -");
    table += cat("  ", layer.name, "  ", describe(node.op), "  ", graph[node.output()].type.shape,
                 layer.computed_by.empty() ? "" : "  by " + layer.computed_by, '\n');
  }
  if (layers.size() > top) table += cat("... and ", layers.size() - top, " layers more\n");
  table += format("%9.3f  sum of %zu layers' medians of %d runs; the run in the trace took %.3f ms\n", sum,
                  layers.size(), profile.runs, profile.total_ms);
  if (!ceilings) return table;
  std::string narrow;
  for (const auto& [name, rate] : narrow_rates(*ceilings))
    narrow += format(", %.0f ", rate * 1e-9) + std::string(name, std::string_view(name).find('_'));
  return cat(
      table, format("limit: %.0f GFLOP/s fp32", ceilings->fp32_flops * 1e-9), narrow,
      format(", %.1f GB/s copied, measured just now on this device\n", ceilings->copy_bytes * 1e-9),
      ceilings->fp16_flops > 0 ? "fp16: mma.sync, which our kernels use; a vendor's library may use faster ones\n" : "",
      "above 100 %: data stayed in caches, products with padding were skipped, or others were at work meanwhile\n");
}

}  // namespace giemsa::bench
