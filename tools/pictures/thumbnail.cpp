#include "tools/pictures/thumbnail.h"

#include <algorithm>

namespace giemsa {

Frame shrunk(const Frame& frame, int longest) {
  const int factor = std::max(1, (std::max(frame.width, frame.height) + longest - 1) / longest);
  if (factor == 1 || std::min(frame.width, frame.height) < factor) return frame;
  Frame small(frame.width / factor, frame.height / factor);
  for (int y = 0; y < small.height; ++y) {
    for (int x = 0; x < small.width; ++x) {
      for (int channel = 0; channel < 3; ++channel) {
        int sum = 0;
        for (int dy = 0; dy < factor; ++dy)
          for (int dx = 0; dx < factor; ++dx) sum += frame.at(x * factor + dx, y * factor + dy)[channel];
        small.at(x, y)[channel] = static_cast<std::uint8_t>(sum / (factor * factor));
      }
    }
  }
  return small;
}

Frame cut_out(const Frame& frame, const Box& box, int margin) {
  const int left = std::max(0, box.x - margin), right = std::min(frame.width, box.x + box.w + margin),
            top = std::max(0, box.y - margin), bottom = std::min(frame.height, box.y + box.h + margin);
  Frame part(right - left, bottom - top);
  for (int y = 0; y < part.height; ++y) std::copy_n(frame.at(left, top + y), 3 * part.width, part.at(0, y));
  return part;
}

}  // namespace giemsa
