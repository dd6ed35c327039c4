// Which files of a folder are runs' own: those may be replaced and removed, a person's never.
#pragma once

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

namespace giemsa {

/// The list of the files that runs have written below a folder, by their paths in it. A file is listed before it is
/// written, so that whenever a run is killed none of its files is taken for a person's. Changes throw Error(output).
class Ledger {
 public:
  /// Where a folder's ledger is: a folder that has one is a folder of results.
  static std::filesystem::path file_in(const std::filesystem::path& folder);

  /// What the ledger of `folder` lists; nothing where there is none.
  static std::set<std::string> read(const std::filesystem::path& folder);

  explicit Ledger(const std::filesystem::path& folder) : file_(file_in(folder)), files_(read(folder)) {}

  const std::set<std::string>& files() const { return files_; }
  bool has(const std::string& file) const { return files_.contains(file); }

  /// Lists a file that is to be written.
  void add(const std::string& file);

  /// Lists these files and no others.
  void replace(std::set<std::string> files);

 private:
  std::filesystem::path file_;
  std::set<std::string> files_;
  std::ofstream out_;
};

}  // namespace giemsa
