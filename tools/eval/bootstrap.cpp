#include "tools/eval/bootstrap.h"

#include <algorithm>
#include <cmath>

#include "engine/base/check.h"
#include "engine/base/split_mix.h"
#include "tools/text/percentile.h"

namespace giemsa::eval {

std::vector<Interval> bootstrap_intervals(std::size_t images, const BootstrapOptions& options,
                                          const FiguresOf& figures_of) {
  check(images < std::size_t{1} << 32, ErrorKind::internal, images, " images are too many to draw from");
  std::vector<std::size_t> drawn(images);
  for (std::size_t i = 0; i < images; ++i) drawn[i] = i;
  std::vector<std::vector<double>> values(figures_of(drawn).size());  // of each figure, one a replicate
  SplitMix64 random(options.seed);
  for (int replicate = 0; images > 0 && replicate < options.replicates; ++replicate) {
    for (std::size_t& index : drawn) index = static_cast<std::size_t>((random.bits() >> 32) * images >> 32);
    const std::vector<double> figures = figures_of(drawn);
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!std::isnan(figures[i])) values[i].push_back(figures[i]);
  }
  std::vector<Interval> intervals;
  for (std::vector<double>& of_figure : values) {
    std::ranges::sort(of_figure);
    intervals.push_back({percentile(of_figure, 0.025), percentile(of_figure, 0.975)});
  }
  return intervals;
}

}  // namespace giemsa::eval
