#include "engine/session.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "engine/npy.h"

namespace giemsa {

namespace {

/// "a/b" -> "a_b.npy"
std::string file_name_of(std::string name) {
  std::ranges::replace(name, '/', '_');
  return name + ".npy";
}

}  // namespace

Session::Session(Graph graph) : graph_(std::move(graph)) {
  const char* dump = std::getenv("GIEMSA_DUMP");
  if (!dump || !*dump) return;
  const std::filesystem::path folder = dump;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check(!error, ErrorKind::output, folder.string(), ": cannot create the dump folder: ", error.message());
  observe([folder](const Value& value, const Tensor& tensor) { write_npy(folder / file_name_of(value.name), tensor); });
}

void Session::run(std::span<const void* const> inputs) {
  using Clock = std::chrono::steady_clock;
  check(inputs.size() == graph_.inputs().size(), ErrorKind::internal, "the graph takes ", graph_.inputs().size(),
        " inputs, was given ", inputs.size());
  begin(inputs);
  if (!observer_ && layer_ms_.empty()) return run_all();

  wait();
  for (NodeId id : node_ids(graph_)) {
    const auto start = Clock::now();
    run_node(id);
    if (!layer_ms_.empty()) {
      wait();
      layer_ms_[index_of(id)] = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    }
    if (!observer_) continue;
    for (ValueId output : graph_[id].outputs) observer_(graph_[output], value_of(output));
  }
  end();
}

void Session::run_all() {
  for (std::size_t i = 0; i < graph_.nodes().size(); ++i) run_node(NodeId{static_cast<std::int32_t>(i)});
  end();
}

}  // namespace giemsa
