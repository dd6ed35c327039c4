// Pieces of a web page.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace giemsa::eval {

/// Text as HTML text or attribute value: the five special characters escaped, control characters replaced by '?'.
std::string escaped(std::string_view text);

/// RFC 4648 base64, with padding.
std::string base64(std::span<const std::uint8_t> bytes);

/// An <img> that holds its PNG.
std::string inline_png(std::span<const std::uint8_t> png, std::string_view description);

}  // namespace giemsa::eval
