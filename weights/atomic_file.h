// A file that is there whole or not at all.
#pragma once

#include <filesystem>

#include "weights/byte_view.h"

namespace giemsa {

/// Writes beside `path` and renames over it in commit(); without commit() nothing remains. Throws ErrorKind::output.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(ByteView bytes);
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

}  // namespace giemsa
