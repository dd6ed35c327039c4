#include "nets/observed_range.h"

#include <algorithm>
#include <cmath>

#include "engine/plan/storage.h"

namespace giemsa {

void ObservedRange::watch(Session& session, const std::string& input) {
  const Graph& graph = session.graph();
  const std::vector<bool> wanted = wants_calibration(graph), non_negative = giemsa::non_negative(graph);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const std::string& name = graph.values()[i].name;
    if (wanted[i]) results_[name == input ? "input" : name].steps = non_negative[i] ? 255.0f : 127.0f;
  }
  session.observe([this, input](const Value& value, const Tensor& tensor) {
    const auto found = results_.find(value.name == input ? "input" : value.name);
    if (found == results_.end()) return;
    for (const float element : tensor.as<float>())
      found->second.largest = std::max(found->second.largest, std::abs(element));
  });
}

std::map<std::string, float> ObservedRange::scales() const {
  std::map<std::string, float> scales;
  for (const auto& [name, result] : results_) scales[name] = result.largest > 0 ? result.largest / result.steps : 1;
  return scales;
}

}  // namespace giemsa
