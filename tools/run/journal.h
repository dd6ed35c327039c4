// What a run has finished so far, one line an image, so that a killed run can be resumed.
#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "tools/run/json.h"

namespace giemsa {

/// An append-only file of JSON lines. The first holds the run's identity, each further one per image that is done. A
/// line that the kill cut short is ignored.
class Journal {
 public:
  explicit Journal(std::filesystem::path file) : file_(std::move(file)) {}

  /// Starts an empty journal, whatever was there. Throws Error(output).
  void start(const Json& identity);

  /// Takes over what an earlier run has finished. Throws Error(usage), naming the first difference, where that run is
  /// not `identity`'s, and Error(output).
  void resume(const Json& identity);

  /// Notes that `image` (as of image_json) is done and its files are written. Throws Error(output).
  void append(const std::filesystem::path& input, const Json& image);

  /// What `append` noted, if `input` has not changed since; else null.
  const Json* find(const std::string& name, const std::filesystem::path& input) const;

 private:
  void open();

  std::filesystem::path file_;
  std::ofstream out_;
  std::chrono::steady_clock::time_point last_sync_ = std::chrono::steady_clock::now();
  std::map<std::string, Json> entries_;  ///< by name
};

}  // namespace giemsa
