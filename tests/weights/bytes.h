// Model files written by hand, byte by byte, so that tests can write what no library would.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/engine/error_text.h"
#include "tests/temporary_folder.h"
#include "weights/crc32.h"
#include "weights/mapped_file.h"

namespace giemsa::testing {

/// The bytes of an integer, lowest first.
template <class T>
std::string le(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

/// A copy of `content` that ends exactly where a sanitizer's red zone begins.
inline FileBytes in_memory(std::string_view content, std::string name = "memory") {
  std::shared_ptr<std::byte[]> bytes(new std::byte[content.size()]);
  if (!content.empty()) std::memcpy(bytes.get(), content.data(), content.size());
  return {std::move(name), {bytes.get(), content.size()}, bytes};
}

inline std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file, "cannot read " << path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::filesystem::path fixtures() {
  return std::filesystem::path(GIEMSA_SOURCE_DIR) / "tests/weights/fixtures";
}

/// The message of the Error that `action` throws, empty where it throws none.
template <class Action>
std::string error_of(Action&& action, ErrorKind kind = ErrorKind::model) {
  return test::error_if_any(kind, action);
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

using test::TemporaryFolder;

// ---- pickles: each function gives the opcodes that push one value ----

namespace pickled {

inline std::string text(std::string_view value) {
  return cat("X", le(static_cast<std::uint32_t>(value.size())), value);
}
inline std::string none() {
  return "N";
}
inline std::string integer(std::int64_t value) {
  return cat("\x8a\x08", le(value));
}
inline std::string global(const std::string& module, const std::string& name) {
  return cat("c", module, "\n", name, "\n");
}
inline std::string joined(const std::vector<std::string>& values) {
  std::string result;
  for (const std::string& value : values) result += value;
  return result;
}
inline std::string tuple(const std::vector<std::string>& values) {
  return cat("(", joined(values), "t");
}
inline std::string list(const std::vector<std::string>& values) {
  return cat("](", joined(values), "e");
}
/// Keys and values in turn.
inline std::string dict(const std::vector<std::string>& items) {
  return cat("}(", joined(items), "u");
}
inline std::string call(const std::string& callable, const std::vector<std::string>& arguments) {
  return callable + tuple(arguments) + "R";
}
inline std::string persistent(const std::string& id) {
  return id + "Q";
}
inline std::string integers(const std::vector<std::int64_t>& values) {
  std::vector<std::string> items;
  for (std::int64_t value : values) items.push_back(integer(value));
  return tuple(items);
}

inline std::string storage(const std::string& key, std::int64_t size, const std::string& type = "FloatStorage") {
  return persistent(tuple({text("storage"), global("torch", type), text(key), text("cpu"), integer(size)}));
}
inline std::string tensor(const std::string& storage, std::int64_t offset, const std::vector<std::int64_t>& size,
                          const std::vector<std::int64_t>& stride) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {storage, integer(offset), integers(size), integers(stride), "\x89", dict({})});
}

/// A whole pickle of one value.
inline std::string whole(const std::string& value) {
  return cat("\x80\x02", value, ".");
}

}  // namespace pickled

// ---- zip archives ----

struct ZipEntry {
  std::string name, content;
  std::uint16_t flags = 0x808, method = 0;
  bool with_crc = true;
  int header_shift = 0;  // added to where the directory says that the entry is
};

inline std::string zipped(const std::vector<ZipEntry>& entries, const std::string& comment = "") {
  std::string file, directory;
  for (const ZipEntry& entry : entries) {
    const auto size = static_cast<std::uint32_t>(entry.content.size());
    const auto name_size = static_cast<std::uint16_t>(entry.name.size());
    const std::uint32_t crc = entry.with_crc ? crc32(std::as_bytes(std::span(entry.content))) : 0;
    const auto offset = static_cast<std::uint32_t>(static_cast<int>(file.size()) + entry.header_shift);
    directory += cat("PK\1\2", le<std::uint32_t>(0), le(entry.flags), le(entry.method), le<std::uint32_t>(0), le(crc),
                     le(size), le(size), le(name_size), le<std::uint16_t>(0), le<std::uint16_t>(0),
                     le<std::uint32_t>(0), le<std::uint32_t>(0), le(offset), entry.name);
    file += cat("PK\3\4", le<std::uint16_t>(0), le(entry.flags), le(entry.method), std::string(16, '\0'), le(name_size),
                le<std::uint16_t>(0), entry.name, entry.content);
  }
  const auto count = static_cast<std::uint16_t>(entries.size());
  const auto offset = static_cast<std::uint32_t>(file.size()), size = static_cast<std::uint32_t>(directory.size());
  return cat(file, directory, "PK\5\6", le<std::uint32_t>(0), le(count), le(count), le(size), le(offset),
             le(static_cast<std::uint16_t>(comment.size())), comment);
}

}  // namespace giemsa::testing
