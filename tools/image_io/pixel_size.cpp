#include "tools/image_io/pixel_size.h"

#include <algorithm>
#include <array>
#include <utility>

namespace giemsa {

std::optional<PixelSize> plausible_pixel_size(double x, double y) {
  constexpr double least = 0.01, most = 10;
  const auto plausible = [](double size) { return size >= least && size <= most; };  // NaN is not
  if (!plausible(x) || !plausible(y)) return {};
  return PixelSize{x, y};
}

double micrometres_in(std::string_view unit) {
  constexpr std::array<std::pair<std::string_view, double>, 17> units = {{{"um", 1},
                                                                          {"\u00b5m", 1},
                                                                          {"\u03bcm", 1},
                                                                          {"\xb5m", 1},  // as Latin-1
                                                                          {"\\u00B5m", 1},
                                                                          {"&#181;m", 1},
                                                                          {"micron", 1},
                                                                          {"microns", 1},
                                                                          {"micrometer", 1},
                                                                          {"micrometre", 1},
                                                                          {"nm", 1e-3},
                                                                          {"mm", 1e3},
                                                                          {"cm", 1e4},
                                                                          {"m", 1e6},
                                                                          {"inch", 25400},
                                                                          {"in", 25400},
                                                                          {"pm", 1e-6}}};
  const auto found = std::ranges::find(units, unit, &std::pair<std::string_view, double>::first);
  return found == units.end() ? 0 : found->second;
}

double imagej_unit(std::string_view description) {
  constexpr std::string_view key = "\nunit=";
  if (!description.starts_with("ImageJ=")) return 0;
  const std::size_t at = description.find(key);
  if (at == description.npos) return 0;
  const std::string_view rest = description.substr(at + key.size());
  return micrometres_in(rest.substr(0, rest.find_first_of("\r\n")));
}

}  // namespace giemsa
