#include "tools/text/histogram.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "tools/text/text.h"

namespace giemsa {
namespace {

constexpr int most_bars = 30;

/// The smallest of 1, 2, 5, 10, 20, 50, ... and their tenths that is at least `width`.
double round_up(double width) {
  const double decade = std::pow(10.0, std::floor(std::log10(width)));
  for (const double step : {1.0, 2.0, 5.0})
    if (step * decade >= width) return step * decade;
  return 10 * decade;
}

}  // namespace

Histogram histogram_of(std::span<const double> values) {
  if (values.empty()) return {};
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  const double reach = std::max(std::min(sorted.back(), 4 * sorted[sorted.size() / 2]), 1e-3);
  Histogram histogram;
  histogram.bar_width = round_up(reach / most_bars);
  histogram.counts.resize(static_cast<std::size_t>(std::floor(reach / histogram.bar_width)) + 1);
  for (const double value : values)
    ++histogram.counts[std::min(histogram.counts.size() - 1, static_cast<std::size_t>(value / histogram.bar_width))];
  return histogram;
}

std::string histogram_svg(const Histogram& histogram, const char* unit) {
  if (histogram.counts.empty()) return "";
  constexpr int bar = 20, height = 120, top = 16, below = 34, left = 8;
  const auto bars = static_cast<int>(histogram.counts.size());
  const auto most = static_cast<double>(*std::ranges::max_element(histogram.counts));
  const int width = 2 * left + std::max(bars * bar, 160);
  std::ostringstream out;
  out << format("<svg viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" font-size=\"11\" fill=\"#222\">\n", width,
                top + height + below, width);
  for (int i = 0; i < bars; ++i) {
    const std::size_t count = histogram.counts[static_cast<std::size_t>(i)];
    const int x = left + i * bar;
    const double tall = height * static_cast<double>(count) / most;
    const bool open = i + 1 == bars;
    if (count > 0)
      out << format("<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"#0072b2\"><title>", x + 1,
                    top + height - tall, bar - 2, tall)
          << (open ? format("from %g", i * histogram.bar_width)
                   : format("%g to %g", i * histogram.bar_width, (i + 1) * histogram.bar_width))
          << ' ' << unit << ": " << count << "</title></rect>\n";
    if (i % 5 == 0) out << format("<text x=\"%d\" y=\"%d\">%g</text>\n", x, top + height + 14, i * histogram.bar_width);
  }
  out << format("<path d=\"M%d %dH%d\" stroke=\"#999\"/>\n", left, top + height, left + bars * bar)
      << format("<text x=\"%d\" y=\"%d\">%s</text>\n", left, top + height + 28, unit) << "</svg>\n";
  return std::move(out).str();
}

}  // namespace giemsa
