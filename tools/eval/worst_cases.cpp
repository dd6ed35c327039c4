#include "tools/eval/worst_cases.h"

#include <algorithm>

#include "tools/eval/boundary_score.h"
#include "tools/outputs/png_writer.h"

namespace giemsa::eval {

void WorstCases::insert(double badness, const std::string& caption, const Frame& picture) {
  const auto place = std::ranges::find_if(cases_, [&](const WorstCase& other) { return other.badness < badness; });
  cases_.insert(place, {badness, caption, encode_png(picture)});
  if (cases_.size() > kept_) cases_.pop_back();
}

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

void draw_truth(Frame& frame, const Mask& mask) {
  const Mask edge = boundary(mask);
  for (int y = 0; y < frame.height; ++y)
    for (int x = 0; x < frame.width; ++x)
      if (edge.at(x, y) || (x > 0 && edge.at(x - 1, y)) || (y > 0 && edge.at(x, y - 1)))
        std::fill_n(frame.at(x, y), 3, std::uint8_t{0});
}

}  // namespace giemsa::eval
