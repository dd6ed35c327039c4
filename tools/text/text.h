// Text for tables and terminals.
#pragma once

#include <string>
#include <string_view>

namespace giemsa {

/// Control characters become '?', so that no file name can break a line or steer a terminal.
std::string printable(std::string_view text);

/// `text` as UTF-8: bytes that are none become \xHH, so that two names that differ still do.
std::string as_utf8(std::string_view text);

/// `text` padded with spaces to `width` columns; UTF-8 counts a column a code point.
std::string padded(std::string text, std::size_t width);

/// "1 image", "2 images".
std::string counted(std::size_t count, const char* noun);

/// As printf does it, up to 255 characters.
[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...);

}  // namespace giemsa
