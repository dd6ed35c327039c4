#include "nets/numbered_layers.h"

#include <algorithm>
#include <cstdlib>

#include "weights/text.h"

namespace giemsa {

namespace {

/// "6.10" -> {6, 10}; nothing where `text` is no such list.
std::vector<std::uint64_t> numbers_of(std::string_view text) {
  constexpr std::size_t most_digits = 9;
  std::vector<std::uint64_t> numbers;
  while (true) {
    const std::size_t end = std::min(text.find('.'), text.size());
    const std::string_view digits = text.substr(0, end);
    if (digits.empty() || digits.size() > most_digits || digits.find_first_not_of("0123456789") != digits.npos)
      return {};
    numbers.push_back(std::strtoull(std::string(digits).c_str(), nullptr, 10));
    if (end == text.size()) return numbers;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

bool is_numbered(std::string_view name, std::initializer_list<std::string_view> stems) {
  return std::ranges::any_of(stems, [&](std::string_view stem) {
    return name.starts_with(stem) && !numbers_of(name.substr(stem.size())).empty();
  });
}

std::vector<std::string> numbered_layers(const TensorMap& tensors, std::string_view stem, int rank) {
  constexpr std::string_view suffix = ".weight";
  std::vector<std::string> layers;
  for (const auto& [key, tensor] : tensors) {
    if (!key.ends_with(suffix) || tensor.shape().rank() != rank) continue;
    const std::string layer = key.substr(0, key.size() - suffix.size());
    if (is_numbered(layer, {stem})) layers.push_back(layer);
  }
  std::ranges::sort(layers, {},
                    [&](const std::string& layer) { return numbers_of(std::string_view(layer).substr(stem.size())); });
  return layers;
}

bool comes_before(const std::string& a, const std::string& b) {
  const std::vector<std::string> x = split(a, '.'), y = split(b, '.');
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (x[i] == y[i]) continue;
    const std::vector<std::uint64_t> m = numbers_of(x[i]), n = numbers_of(y[i]);
    return m.empty() || n.empty() ? x[i] < y[i] : m < n;
  }
  return x.size() < y.size();
}

bool are_neighbours(std::string_view a, std::string_view b) {
  const std::size_t dot = a.rfind('.');
  if (dot == a.npos || !b.starts_with(a.substr(0, dot + 1))) return false;
  const std::vector<std::uint64_t> from = numbers_of(a.substr(dot + 1)), to = numbers_of(b.substr(dot + 1));
  return from.size() == 1 && !to.empty() && to[0] == from[0] + 1 &&
         std::all_of(to.begin() + 1, to.end(), [](std::uint64_t number) { return number == 0; });
}

}  // namespace giemsa
