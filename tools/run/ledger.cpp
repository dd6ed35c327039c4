#include "tools/run/ledger.h"

#include <iterator>
#include <utility>

#include "engine/base/atomic_file.h"
#include "engine/base/check.h"

namespace giemsa {

namespace fs = std::filesystem;

fs::path Ledger::file_in(const fs::path& folder) {
  return folder / ".giemsa" / "files";
}

// Each path ends in a zero byte, which no path can hold: one that a kill cut short does not count.
std::set<std::string> Ledger::read(const fs::path& folder) {
  std::ifstream in(file_in(folder), std::ios::binary);
  std::set<std::string> files;
  for (std::string file; std::getline(in, file, '\0') && !in.eof();) files.insert(file);
  return files;
}

void Ledger::add(const std::string& file) {
  if (!files_.insert(file).second) return;
  if (!out_.is_open()) out_.open(file_, std::ios::binary | std::ios::app);
  out_ << file << '\0' << std::flush;
  check(out_.good(), ErrorKind::output, file_.string(), ": cannot be written");
}

void Ledger::replace(std::set<std::string> files) {
  out_.close();
  out_.clear();
  std::string text;
  for (const std::string& file : files) text += file + '\0';
  write_file_atomically(file_, text, Sync::yes);
  files_ = std::move(files);
}

}  // namespace giemsa
