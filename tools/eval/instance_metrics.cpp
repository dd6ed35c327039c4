#include "tools/eval/instance_metrics.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <utility>

namespace giemsa::eval {
namespace {

/// A true cell and a found one that share pixels.
struct Overlap {
  std::size_t truth, found;
  std::int64_t pixels;
  double iou = 0;
};

/// The cells of both images by consecutive indices, and which share how many pixels.
struct Overlaps {
  std::vector<std::int64_t> truth_area, found_area;
  std::vector<Overlap> pairs;  ///< by true cell, then by found one
};

/// The index of each number that occurs, in rising order, and its pixels; 0 is background.
std::vector<std::size_t> index_cells(const Labels& labels, std::vector<std::int64_t>& areas) {
  std::vector<std::int64_t> pixels(std::numeric_limits<std::uint16_t>::max() + std::size_t{1});
  for (const std::uint16_t label : labels.pixels) ++pixels[label];
  std::vector<std::size_t> index(pixels.size());
  for (std::size_t label = 1; label < pixels.size(); ++label) {
    if (pixels[label] == 0) continue;
    index[label] = areas.size();
    areas.push_back(pixels[label]);
  }
  return index;
}

Overlaps overlaps_of(const Labels& truth, const Labels& found) {
  Overlaps all;
  const auto truth_index = index_cells(truth, all.truth_area), found_index = index_cells(found, all.found_area);
  std::map<std::pair<std::size_t, std::size_t>, std::int64_t> shared;
  for (std::size_t i = 0; i < truth.pixels.size(); ++i)
    if (truth.pixels[i] != 0 && found.pixels[i] != 0)
      ++shared[{truth_index[truth.pixels[i]], found_index[found.pixels[i]]}];
  for (const auto& [pair, pixels] : shared) {
    const std::int64_t either = all.truth_area[pair.first] + all.found_area[pair.second] - pixels;
    all.pairs.push_back({pair.first, pair.second, pixels, static_cast<double>(pixels) / static_cast<double>(either)});
  }
  return all;
}

/// The overlaps that are chosen by an assignment of the greatest sum of `weight`. Cells that no overlap connects, one
/// after the other, have nothing to do with each other: each such group is assigned by itself.
template <class Weight>
std::vector<Overlap> best_pairs(const Overlaps& all, const Weight& weight) {
  const std::size_t truths = all.truth_area.size();
  std::vector<std::size_t> group(truths + all.found_area.size());
  std::iota(group.begin(), group.end(), std::size_t{0});
  const auto find = [&](std::size_t cell) {
    while (group[cell] != cell) cell = group[cell] = group[group[cell]];
    return cell;
  };
  for (const Overlap& pair : all.pairs)
    if (weight(pair) > 0) group[find(pair.truth)] = find(truths + pair.found);
  std::map<std::size_t, std::vector<Overlap>> groups;
  for (const Overlap& pair : all.pairs)
    if (weight(pair) > 0) groups[find(pair.truth)].push_back(pair);

  std::vector<Overlap> chosen;
  for (const auto& [root, pairs] : groups) {
    std::map<std::size_t, std::size_t> row, column;
    for (const Overlap& pair : pairs) {
      row.try_emplace(pair.truth, row.size());
      column.try_emplace(pair.found, column.size());
    }
    std::vector<double> weights(row.size() * column.size());
    for (const Overlap& pair : pairs)
      weights[row.at(pair.truth) * column.size() + column.at(pair.found)] = weight(pair);
    const auto assigned = assign(weights, column.size());
    for (const Overlap& pair : pairs)
      if (assigned[row.at(pair.truth)] == column.at(pair.found)) chosen.push_back(pair);
  }
  return chosen;
}

/// Every pair of true cells, by their numbers, that have neighbouring pixels.
std::set<std::pair<std::uint16_t, std::uint16_t>> touching_pairs(const Labels& truth) {
  std::set<std::pair<std::uint16_t, std::uint16_t>> pairs;
  constexpr std::array<std::pair<int, int>, 4> forward = {{{1, 0}, {-1, 1}, {0, 1}, {1, 1}}};
  for (int y = 0; y < truth.height; ++y)
    for (int x = 0; x < truth.width; ++x) {
      const std::uint16_t own = truth.at(x, y);
      if (own == 0) continue;
      for (const auto& [dx, dy] : forward) {
        if (x + dx < 0 || x + dx >= truth.width || y + dy >= truth.height) continue;
        const std::uint16_t other = truth.at(x + dx, y + dy);
        if (other != 0 && other != own) pairs.insert(std::minmax(own, other));
      }
    }
  return pairs;
}

}  // namespace

std::vector<std::optional<std::size_t>> assign(const std::vector<double>& weights, std::size_t columns) {
  const std::size_t rows = columns == 0 ? 0 : weights.size() / columns, n = std::max(rows, columns);
  const auto cost = [&](std::size_t i, std::size_t j) {
    return i <= rows && j <= columns ? -weights[(i - 1) * columns + j - 1] : 0.0;
  };
  // Rows and columns count from 1; column 0 holds the row that is being assigned.
  std::vector<double> of_row(n + 1), of_column(n + 1);  // potentials
  std::vector<std::size_t> row_of(n + 1), from(n + 1);
  for (std::size_t i = 1; i <= n; ++i) {
    row_of[0] = i;
    std::size_t at = 0;
    std::vector<double> slack(n + 1, std::numeric_limits<double>::infinity());
    std::vector<bool> visited(n + 1);
    do {
      visited[at] = true;
      const std::size_t row = row_of[at];
      double least = std::numeric_limits<double>::infinity();
      std::size_t next = 0;
      for (std::size_t j = 1; j <= n; ++j) {
        if (visited[j]) continue;
        const double reduced = cost(row, j) - of_row[row] - of_column[j];
        if (reduced < slack[j]) {
          slack[j] = reduced;
          from[j] = at;
        }
        if (slack[j] < least) {
          least = slack[j];
          next = j;
        }
      }
      for (std::size_t j = 0; j <= n; ++j) {
        if (visited[j]) {
          of_row[row_of[j]] += least;
          of_column[j] -= least;
        } else {
          slack[j] -= least;
        }
      }
      at = next;
    } while (row_of[at] != 0);
    while (at != 0) {
      row_of[at] = row_of[from[at]];
      at = from[at];
    }
  }
  std::vector<std::optional<std::size_t>> assigned(rows);
  for (std::size_t j = 1; j <= columns; ++j)
    if (row_of[j] <= rows && weights[(row_of[j] - 1) * columns + j - 1] > 0) assigned[row_of[j] - 1] = j - 1;
  return assigned;
}

InstanceTally& InstanceTally::operator+=(const InstanceTally& other) {
  truths += other.truths;
  found += other.found;
  for (std::size_t i = 0; i < matches.size(); ++i) matches[i] += other.matches[i];
  panoptic_matches += other.panoptic_matches;
  panoptic_iou += other.panoptic_iou;
  paired_pixels += other.paired_pixels;
  union_pixels += other.union_pixels;
  single_cells += other.single_cells;
  false_splits += other.false_splits;
  touching_pairs += other.touching_pairs;
  missed_splits += other.missed_splits;
  count_error += other.count_error;
  return *this;
}

InstanceTally count_instances(const Labels& truth, const Labels& found) {
  const Overlaps all = overlaps_of(truth, found);
  InstanceTally tally;
  tally.truths = static_cast<std::int64_t>(all.truth_area.size());
  tally.found = static_cast<std::int64_t>(all.found_area.size());
  tally.count_error = std::abs(tally.found - tally.truths);
  for (std::size_t i = 0; i < instance_ious.size(); ++i) {
    const auto counts = [&](const Overlap& pair) { return pair.iou >= instance_ious[i] ? 1.0 : 0.0; };
    tally.matches[i] = static_cast<std::int64_t>(best_pairs(all, counts).size());
  }
  for (const Overlap& pair : all.pairs) {
    if (pair.iou <= 0.5) continue;  // above it, no cell has two
    ++tally.panoptic_matches;
    tally.panoptic_iou += pair.iou;
  }
  // A union counts both areas once: all areas but what paired cells share.
  tally.union_pixels = std::accumulate(all.truth_area.begin(), all.truth_area.end(), std::int64_t{0}) +
                       std::accumulate(all.found_area.begin(), all.found_area.end(), std::int64_t{0});
  for (const Overlap& pair : best_pairs(all, [](const Overlap& p) { return p.iou; })) {
    tally.paired_pixels += pair.pixels;
    tally.union_pixels -= pair.pixels;
  }

  std::vector<std::int64_t> areas;
  const std::vector<std::size_t> index = index_cells(truth, areas);
  const auto touching = touching_pairs(truth);
  std::vector<bool> touches(areas.size());
  std::vector<std::int64_t> inside(areas.size());        // found cells of which more than half lies in a true one
  std::vector<std::set<std::size_t>> covers(areas.size());  // found cells that cover more than half of a true one
  for (const Overlap& pair : all.pairs) {
    if (2 * pair.pixels > all.found_area[pair.found]) ++inside[pair.truth];
    if (2 * pair.pixels > all.truth_area[pair.truth]) covers[pair.truth].insert(pair.found);
  }
  tally.touching_pairs = static_cast<std::int64_t>(touching.size());
  for (const auto& [one, other] : touching) {
    touches[index[one]] = touches[index[other]] = true;
    const auto& over_one = covers[index[one]];
    if (!over_one.empty() && over_one == covers[index[other]]) ++tally.missed_splits;  // no more than one covers half
  }
  for (std::size_t cell = 0; cell < areas.size(); ++cell) {
    if (touches[cell]) continue;
    ++tally.single_cells;
    if (inside[cell] > 1) ++tally.false_splits;
  }
  return tally;
}

InstanceScores instance_scores(const InstanceTally& t) {
  InstanceScores scores;
  const auto real = [](std::int64_t count) { return static_cast<double>(count); };
  for (std::size_t i = 0; i < instance_ious.size(); ++i)
    scores.ap[i] = ratio(real(t.matches[i]), real(t.truths + t.found - t.matches[i]));
  const double halves = real(t.truths + t.found) / 2;  // TP + FP / 2 + FN / 2
  scores.panoptic_quality = ratio(t.panoptic_iou, halves);
  scores.segmentation_quality = ratio(t.panoptic_iou, real(t.panoptic_matches));
  scores.recognition_quality = ratio(real(t.panoptic_matches), halves);
  scores.aji_plus = ratio(real(t.paired_pixels), real(t.union_pixels));
  scores.false_splits_per_100 = ratio(100 * real(t.false_splits), real(t.single_cells));
  scores.missed_splits_per_100 = ratio(100 * real(t.missed_splits), real(t.touching_pairs));
  scores.count_error = ratio(real(t.count_error), real(t.truths));
  return scores;
}

}  // namespace giemsa::eval
