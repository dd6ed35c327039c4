#include "nets/contour.h"

#include <cstdint>

namespace giemsa {
namespace {

// Directions in the order of right turns on the screen: east, south, west, north.
constexpr int step_x[] = {1, 0, -1, 0};
constexpr int step_y[] = {0, 1, 0, -1};

/// Follows the cracks between pixels of one label and the rest, the label on the right hand.
class CrackFollower {
 public:
  CrackFollower(const Labels& labels, int label, const Box& box) : labels_(labels), label_(label), box_(box) {}

  bool inside(int x, int y) const {
    return x >= box_.x && y >= box_.y && x < box_.x + box_.w && y < box_.y + box_.h && labels_.at(x, y) == label_;
  }

  /// The ring that turns east at `start`, a pixel's top left corner. Calls on_top_edge for each pixel whose top edge it
  /// takes.
  template <class OnTopEdge>
  Ring follow(Corner start, OnTopEdge on_top_edge) const {
    Ring ring{start};
    Corner at = start;
    int direction = 0;
    do {
      if (direction == 0) on_top_edge(at);
      at.x += step_x[direction];
      at.y += step_y[direction];
      const int turn = turn_at(at, direction);
      if (turn != 0) ring.push_back(at);
      direction = (direction + turn + 4) % 4;
    } while (at != start || direction != 0);
    return ring;
  }

 private:
  /// +1 right, 0 ahead, -1 left. Turning right first keeps apart what touches only at this corner.
  int turn_at(Corner at, int direction) const {
    const int right = (direction + 1) % 4;
    // The pixels ahead on the right and on the left, as offsets from the corner: a pixel's own corner is its top left.
    const auto pixel = [&](int side) {
      const int dx = step_x[direction] + side * step_x[right], dy = step_y[direction] + side * step_y[right];
      return inside(at.x + (dx > 0 ? 0 : -1), at.y + (dy > 0 ? 0 : -1));
    };
    if (!pixel(1)) return 1;
    return pixel(-1) ? -1 : 0;
  }

  const Labels& labels_;
  const int label_;
  const Box box_;
};

bool encloses_label(const Ring& ring) {
  std::int64_t twice_area = 0;
  for (std::size_t i = 1; i < ring.size(); ++i)
    twice_area += std::int64_t{ring[i - 1].x} * ring[i].y - std::int64_t{ring[i].x} * ring[i - 1].y;
  return twice_area > 0;
}

}  // namespace

std::vector<Ring> trace_contours(const Labels& labels, int label, const Box& box) {
  const CrackFollower follower(labels, label, box);
  Mask taken(box.w, box.h);
  std::vector<Ring> rings;
  for (int y = box.y; y < box.y + box.h; ++y) {
    for (int x = box.x; x < box.x + box.w; ++x) {
      if (taken.at(x - box.x, y - box.y) || !follower.inside(x, y) || follower.inside(x, y - 1)) continue;
      Ring ring = follower.follow({x, y}, [&](Corner pixel) { taken.at(pixel.x - box.x, pixel.y - box.y) = 1; });
      if (encloses_label(ring)) rings.push_back(std::move(ring));
    }
  }
  return rings;
}

}  // namespace giemsa
