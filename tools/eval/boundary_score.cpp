#include "tools/eval/boundary_score.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "engine/base/check.h"
#include "tools/eval/confusion_matrix.h"

namespace giemsa::eval {
namespace {

/// Whether a squared distance is less than the square of 0.75 % of the diagonal: in whole numbers, because at 640 x 480
/// the limit is 6 pixels exactly and rounding would decide.
bool is_near(std::int64_t squared, const Mask& image) {
  constexpr std::int64_t unit = 10'000, tolerance = 75;
  const std::int64_t w = image.width, h = image.height;
  return squared * unit * unit < tolerance * tolerance * (w * w + h * h);
}

/// The largest distance along a row or column that is near.
int reach_of(const Mask& image) {
  int reach = 0;
  while (is_near(std::int64_t{reach + 1} * (reach + 1), image)) ++reach;
  return reach;
}

/// Rows from each pixel to the nearest pixel of `points` in its column; `far` where that is further than `far`.
Plane<int> column_distance(const Mask& points, int far) {
  Plane<int> distance(points.width, points.height);
  for (int x = 0; x < points.width; ++x) {
    int last = far;
    const auto visit = [&](int y) { return last = points.at(x, y) ? 0 : std::min(last + 1, far); };
    for (int y = 0; y < points.height; ++y) distance.at(x, y) = visit(y);
    last = far;
    for (int y = points.height - 1; y >= 0; --y) distance.at(x, y) = std::min(distance.at(x, y), visit(y));
  }
  return distance;
}

struct Share {
  std::int64_t near = 0, all = 0;
};

/// How many of `points` have one of `others` near.
Share near_share(const Mask& points, const Mask& others) {
  const int reach = reach_of(points);
  const Plane<int> rows = column_distance(others, reach + 1);
  Share share;
  for (int y = 0; y < points.height; ++y) {
    for (int x = 0; x < points.width; ++x) {
      if (!points.at(x, y)) continue;
      ++share.all;
      const int first = std::max(0, x - reach), last = std::min(points.width - 1, x + reach);
      for (int column = first; column <= last; ++column) {
        const std::int64_t dx = column - x, dy = rows.at(column, y);
        if (!is_near(dx * dx + dy * dy, points)) continue;
        ++share.near;
        break;
      }
    }
  }
  return share;
}

Mask inverse(const Mask& mask) {
  Mask other(mask.width, mask.height);
  std::ranges::transform(mask.pixels, other.pixels.begin(), [](std::uint8_t value) { return value == 0; });
  return other;
}

}  // namespace

Mask boundary(const Mask& mask) {
  Mask edge(mask.width, mask.height);
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x)
      edge.at(x, y) = mask.at(x, y) && ((x > 0 && !mask.at(x - 1, y)) || (x + 1 < mask.width && !mask.at(x + 1, y)) ||
                                        (y > 0 && !mask.at(x, y - 1)) || (y + 1 < mask.height && !mask.at(x, y + 1)));
  return edge;
}

double boundary_f1(const Mask& truth, const Mask& predicted) {
  check(truth.width == predicted.width && truth.height == predicted.height, ErrorKind::internal, "a mask of ",
        predicted.width, "x", predicted.height, " pixels for a truth of ", truth.width, "x", truth.height);
  const Mask true_edge = boundary(truth), edge = boundary(predicted);
  const Share precise = near_share(edge, true_edge), recalled = near_share(true_edge, edge);
  if (precise.all == 0 && recalled.all == 0) return undefined;
  if (precise.near == 0 || recalled.near == 0) return 0;
  const double precision = static_cast<double>(precise.near) / static_cast<double>(precise.all);
  const double recall = static_cast<double>(recalled.near) / static_cast<double>(recalled.all);
  return 2 * precision * recall / (precision + recall);
}

double mean_boundary_f1(const Mask& truth, const Mask& predicted) {
  return mean_of_defined(std::array{boundary_f1(truth, predicted), boundary_f1(inverse(truth), inverse(predicted))});
}

}  // namespace giemsa::eval
