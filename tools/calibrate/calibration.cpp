#include "tools/calibrate/calibration.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "engine/plan/storage.h"

namespace giemsa::calibrate {

void Observed::watch(Session& session, const std::string& input) {
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

std::map<std::string, float> Observed::scales() const {
  std::map<std::string, float> scales;
  for (const auto& [name, result] : results_) scales[name] = result.largest > 0 ? result.largest / result.steps : 1;
  return scales;
}

void SegmenterCalibration::show(const Frame& frame) {
  const Size2 size{frame.height, frame.width};
  if (!session_ || size != compiled_for_) {
    session_ = backend_->compile(segment_graph(model_, size, options_));
    compiled_for_ = size;
    observed_.watch(*session_, "preprocess");
  }
  const void* pixels = frame.rgb.data();
  session_->run({&pixels, 1});
}

std::size_t ClassifierCalibration::show(const Frame& frame) {
  const Size2 size{frame.height, frame.width};
  smear_.identify(frame, found_);
  if (found_.cells.empty()) return 0;
  if (!session_ || size != compiled_for_) {
    session_ = backend_->compile(classify_graph(model_, size, 1, crop_));
    compiled_for_ = size;
    observed_.watch(*session_, "crops");
  }
  for (const Cell& cell : found_.cells) {
    const std::int32_t box[] = {cell.x, cell.y, cell.w, cell.h};
    const void* inputs[] = {frame.rgb.data(), box};
    session_->run(inputs);
  }
  return found_.cells.size();
}

}  // namespace giemsa::calibrate
