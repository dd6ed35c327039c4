// A file that is gone when the test is over.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "engine/base/check.h"

namespace giemsa::test {

class TextFile {
 public:
  explicit TextFile(const std::string& text)
      : path_(std::filesystem::temp_directory_path() / cat("giemsa-test-", static_cast<const void*>(this))) {
    std::ofstream(path_) << text;
  }
  ~TextFile() { std::filesystem::remove(path_); }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  std::string name() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace giemsa::test
