// Files that are whole or not there, whenever the process is killed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace giemsa {

/// Whether written bytes survive a power cut. A kill they always survive.
enum class Sync { no, yes };

/// Writes beside `path` under a hidden name and renames over `path` in commit(); without commit() nothing remains. A
/// killed process leaves at most the hidden file. Errors are Error(output) with the system's reason; the caller names
/// the file.
class AtomicFile {
 public:
  /// What the hidden names start with. They do not grow with the file's own name, which may be as long as names can be.
  static constexpr std::string_view hidden_prefix = ".giemsa-";

  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  /// With Sync::yes the file and its entry in the folder are on the disk on return.
  void commit(Sync sync = Sync::yes);

 private:
  std::filesystem::path path_, hidden_;
  int descriptor_ = -1;
};

/// Writes a whole file through AtomicFile; folders above it are made. Throws Error(output) with the path and the
/// system's reason.
void write_file_atomically(const std::filesystem::path& file, std::span<const std::uint8_t> bytes,
                           Sync sync = Sync::no);
void write_file_atomically(const std::filesystem::path& file, std::string_view text, Sync sync = Sync::no);

/// Puts on the disk what was written to `file`. Throws Error(output).
void sync_file(const std::filesystem::path& file);

/// Puts on the disk everything that was written to the file system of `folder`: one call for any number of files.
/// Throws Error(output).
void sync_file_system(const std::filesystem::path& folder);

}  // namespace giemsa
