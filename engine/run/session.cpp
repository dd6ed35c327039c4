#include "engine/run/session.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "engine/base/environment.h"
#include "engine/base/npy.h"

namespace giemsa {

namespace {

/// "a/b" -> "a_b.npy"
std::string file_name_of(std::string name) {
  std::ranges::replace(name, '/', '_');
  return name + ".npy";
}

}  // namespace

Session::Session(Graph graph) : graph_(std::move(graph)) {
  const std::filesystem::path folder = environment("GIEMSA_DUMP");
  if (folder.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check(!error, ErrorKind::output, folder.string(), ": cannot create the dump folder: ", error.message());
  observe([folder](const Value& value, const Tensor& tensor) { write_npy(folder / file_name_of(value.name), tensor); });
}

void Session::run(std::span<const void* const> inputs) {
  check(inputs.size() == graph_.inputs().size(), ErrorKind::internal, "the graph takes ", graph_.inputs().size(),
        " inputs, was given ", inputs.size());
  begin(inputs);
  if (observer_) return run_observed();
  if (layer_ms_.empty()) return run_all();
  run_timed(layer_ms_);
}

void Session::check_stop() const {
  check(!stop_ || !stop_->load(std::memory_order_relaxed), ErrorKind::cancelled, "cancelled");
}

void Session::run_all() {
  for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {  // not node_ids(), which allocates
    check_stop();
    run_node(NodeId{static_cast<std::int32_t>(i)});
  }
  end();
}

void Session::run_timed(std::span<double> layer_ms) {
  wait();
  for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
    check_stop();
    layer_ms[i] = ms_of_node(NodeId{static_cast<std::int32_t>(i)});
  }
  end();
}

void Session::run_observed() {
  wait();
  for (NodeId id : node_ids(graph_)) {
    const double ms = ms_of_node(id);
    if (!layer_ms_.empty()) layer_ms_[index_of(id)] = ms;
    for (ValueId output : graph_[id].outputs) observer_(graph_[output], value_of(output));
  }
  end();
}

double Session::ms_of_node(NodeId id) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  run_node(id);
  wait();
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

}  // namespace giemsa
