// Files that are whole or not there, whenever the process is killed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace giemsa {

/// Writes `bytes` beside `file` under a hidden name and renames that over `file`; folders above it are made. A killed
/// run leaves at most that hidden file, which the next attempt overwrites. Nothing is synced: a power cut may lose
/// recent files. Throws Error(output) with the path and the system's reason.
void write_file_atomically(const std::filesystem::path& file, std::span<const std::uint8_t> bytes);
void write_file_atomically(const std::filesystem::path& file, std::string_view text);

}  // namespace giemsa
