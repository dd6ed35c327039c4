// Numbers and lists as text, as command lines and `__metadata__` hold them. Readers throw Error(kind) naming `what`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"

namespace giemsa {

/// "a,b,c" -> {a, b, c}; an empty text has no parts.
std::vector<std::string> split(std::string_view text, char separator = ',');
std::string join(const std::vector<std::string>& parts, std::string_view separator = ",");

std::int64_t parse_int(std::string_view text, ErrorKind kind, std::string_view what);
float parse_float(std::string_view text, ErrorKind kind, std::string_view what);
bool parse_bool(std::string_view text, ErrorKind kind, std::string_view what);

/// The shortest text that reads back as the same float.
std::string format_float(float value);

}  // namespace giemsa
