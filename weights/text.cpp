#include "weights/text.h"

#include <array>
#include <charconv>
#include <cmath>

#include "weights/byte_view.h"

namespace giemsa {

namespace {

/// `text` read whole as a T; false where it is anything else.
template <class T>
bool read_whole(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
    if (text.empty()) parts.emplace_back();  // a trailing separator ends with an empty part
  }
  return parts;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) text.append(&part == &parts.front() ? "" : separator).append(part);
  return text;
}

std::int64_t parse_int(std::string_view text, ErrorKind kind, std::string_view what) {
  std::int64_t value = 0;
  check(read_whole(text, value), kind, what, ": ", in_quotes(text), " is not a whole number");
  return value;
}

float parse_float(std::string_view text, ErrorKind kind, std::string_view what) {
  float value = 0;
  check(read_whole(text, value) && std::isfinite(value), kind, what, ": ", in_quotes(text), " is not a number");
  return value;
}

bool parse_bool(std::string_view text, ErrorKind kind, std::string_view what) {
  check(text == "true" || text == "false", kind, what, ": ", in_quotes(text), " is neither true nor false");
  return text == "true";
}

std::string format_float(float value) {
  std::array<char, 32> buffer;
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
}

}  // namespace giemsa
