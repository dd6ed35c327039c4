// Pieces of a web page.
#pragma once

#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace giemsa {

/// The <style> of the pages that the commands write; it needs nothing from elsewhere.
extern const char* const page_style;

/// Text as HTML text or attribute value: the five special characters escaped, control characters replaced by '?'.
std::string escaped(std::string_view text);

/// A relative path as a link's address: bytes that have a meaning there, or none in ASCII, are percent-encoded.
std::string link_to(std::string_view path);

/// RFC 4648 base64, with padding.
std::string base64(std::span<const std::uint8_t> bytes);

/// A section with a table of two columns: what, and its value as text.
void write_facts(std::ostream& out, const char* title, std::span<const std::pair<const char*, std::string>> facts);

/// An <img> that holds its PNG.
std::string inline_png(std::span<const std::uint8_t> png, std::string_view description);

}  // namespace giemsa
