#include "nets/cell_classes.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace giemsa {

namespace {

/// Lower-case letters and digits of a name, without the s of a plural.
std::string plain(std::string_view name) {
  std::string result;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z')
      result += static_cast<char>(c - 'A' + 'a');
    else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      result += c;
  }
  if (result.ends_with('s')) result.pop_back();
  return result;
}

template <std::size_t n>
bool is_one_of(const std::string& name, const std::array<std::string_view, n>& names) {
  return std::ranges::count(names, plain(name)) > 0;
}

bool is_background(const std::string& name) {
  return is_one_of(name, std::array<std::string_view, 2>{"background", "bg"});
}

bool is_other_cell(const std::string& name) {
  return is_one_of(name, std::array<std::string_view, 8>{"rbc", "redbloodcell", "redcell", "erythrocyte", "platelet",
                                                         "plt", "thrombocyte", "bloodplatelet"});
}

}  // namespace

std::optional<std::string> named_background(const std::vector<std::string>& classes) {
  const auto found = std::ranges::find_if(classes, is_background);
  return found == classes.end() ? std::nullopt : std::optional(*found);
}

std::vector<std::string> usual_cells(const std::vector<std::string>& classes) {
  if (classes.empty()) return {};
  const std::string background = named_background(classes).value_or(classes.front());
  std::vector<std::string> all, cells;
  for (const std::string& name : classes) {
    if (name == background || is_background(name)) continue;
    all.push_back(name);
    if (!is_other_cell(name)) cells.push_back(name);
  }
  return cells.empty() ? all : cells;
}

ClassSet class_set(const std::vector<std::string>& classes, const std::vector<std::string>& cells) {
  ClassSet set = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(classes.size(), 64); ++i)
    if (std::ranges::count(cells, classes[i]) > 0) set |= ClassSet{1} << i;
  return set;
}

}  // namespace giemsa
