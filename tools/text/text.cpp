#include "tools/text/text.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace giemsa {

std::string printable(std::string_view text) {
  std::string safe(text);
  std::replace_if(
      safe.begin(), safe.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return safe;
}

std::string padded(std::string text, std::size_t width) {
  const auto starts_code_point = [](unsigned char c) { return (c & 0xc0) != 0x80; };
  const auto columns = static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_code_point));
  if (columns < width) text.append(width - columns, ' ');
  return text;
}

std::string counted(std::size_t count, const char* noun) {
  return std::to_string(count) + ' ' + noun + (count == 1 ? "" : "s");
}

std::string format(const char* pattern, ...) {
  char text[256];
  std::va_list values;
  va_start(values, pattern);
  std::vsnprintf(text, sizeof text, pattern, values);
  va_end(values);
  return text;
}

}  // namespace giemsa
