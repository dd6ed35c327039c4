#include "tools/eval/worst_cases.h"

#include <algorithm>

#include "tools/eval/boundary_score.h"
#include "tools/pictures/png_writer.h"

namespace giemsa::eval {

void WorstCases::insert(double badness, const std::string& caption, const Frame& picture) {
  const auto place = std::ranges::find_if(cases_, [&](const WorstCase& other) { return other.badness < badness; });
  cases_.insert(place, {badness, caption, encode_png(picture)});
  if (cases_.size() > kept_) cases_.pop_back();
}

void draw_truth(Frame& frame, const Mask& mask) {
  const Mask edge = boundary(mask);
  for (int y = 0; y < frame.height; ++y)
    for (int x = 0; x < frame.width; ++x)
      if (edge.at(x, y) || (x > 0 && edge.at(x - 1, y)) || (y > 0 && edge.at(x, y - 1)))
        std::fill_n(frame.at(x, y), 3, std::uint8_t{0});
}

}  // namespace giemsa::eval
