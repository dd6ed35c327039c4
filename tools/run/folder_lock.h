// Keeps a second run out of a folder that a first one is at work in.
#pragma once

#include <filesystem>

namespace giemsa {

/// A lock on a file, which is made; the system gives it up when the process ends, however it ends.
class FolderLock {
 public:
  /// Throws Error(output) where another process has it.
  explicit FolderLock(const std::filesystem::path& file);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace giemsa
