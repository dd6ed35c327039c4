#include "tools/eval/html.h"

#include "engine/check.h"
#include "tools/outputs/text.h"

namespace giemsa::eval {

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const std::uint32_t group = std::uint32_t{bytes[i]} << 16 | (left > 1 ? std::uint32_t{bytes[i + 1]} << 8 : 0) |
                                (left > 2 ? std::uint32_t{bytes[i + 2]} : 0);
    for (std::size_t digit = 0; digit < 4; ++digit)
      text += digit <= left ? digits[group >> (18 - 6 * digit) & 63] : '=';
  }
  return text;
}

std::string inline_png(std::span<const std::uint8_t> png, std::string_view description) {
  return cat("<img alt=\"", escaped(description), "\" src=\"data:image/png;base64,", base64(png), "\">");
}

}  // namespace giemsa::eval
