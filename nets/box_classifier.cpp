#include "nets/box_classifier.h"

#include <algorithm>

namespace giemsa {

BoxClassifier::BoxClassifier(Model classifier, CropMode crop, std::size_t kept_sizes, std::shared_ptr<Backend> backend)
    : model_(std::move(classifier)),
      crop_(crop),
      kept_sizes_(std::max<std::size_t>(kept_sizes, 1)),
      backend_(std::move(backend)) {
  check_classifier(model_, backend_->precision());
}

Session& BoxClassifier::session_for(Size2 frame, std::size_t batch_index) {
  const auto found = std::ranges::find(sizes_, frame, &Compiled::frame);
  if (found != sizes_.end()) {
    sizes_.splice(sizes_.begin(), sizes_, found);  // most recently used first
  } else {
    while (sizes_.size() >= kept_sizes_) sizes_.pop_back();
    sizes_.push_front({frame, {}});
  }
  std::unique_ptr<Session>& session = sizes_.front().sessions[batch_index];
  if (!session)
    session = backend_->compile(classify_graph(model_, frame, CascadeGraphs::batch_sizes[batch_index], crop_));
  session->stop_when(stop_);
  return *session;
}

MemoryUse BoxClassifier::memory() const {
  MemoryUse use;
  for (const Compiled& size : sizes_)
    for (const auto& session : size.sessions)
      if (session) use += session->memory();
  return use;
}

void BoxClassifier::classify(const std::uint8_t* rgb, Size2 frame, std::span<const PixelBox> boxes,
                             std::span<float> probabilities) {
  for (const auto& [x, y, w, h] : boxes)
    check(w > 0 && h > 0 && x >= 0 && y >= 0 && w <= frame.w - x && h <= frame.h - y, ErrorKind::usage, "box ", w, 'x',
          h, " at ", x, ',', y, " is not within an image of ", frame.w, 'x', frame.h);
  for (std::size_t first = 0, i = 0; first < boxes.size();) {
    const auto batch = static_cast<std::size_t>(CascadeGraphs::batch_sizes[i]);
    if (batch > boxes.size() - first) {
      ++i;
      continue;
    }
    Session& session = session_for(frame, i);
    const void* inputs[] = {rgb, boxes.data() + first};
    session.run(inputs);
    const auto values = session.output<float>();
    std::ranges::copy(values, probabilities.begin() + static_cast<std::ptrdiff_t>(values.size() / batch * first));
    first += batch;
  }
}

}  // namespace giemsa
