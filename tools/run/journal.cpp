#include "tools/run/journal.h"

#include <system_error>

#include "engine/base/atomic_file.h"
#include "tools/text/text.h"

namespace giemsa {
namespace {

namespace fs = std::filesystem;

/// Tells whether a file is still the one that was read; null where it cannot be told.
Json stamp_of(const fs::path& file) {
  std::error_code error;
  const auto bytes = fs::file_size(file, error);
  if (error) return {};
  const auto modified = fs::last_write_time(file, error);
  if (error) return {};
  return {{"file", as_utf8(file.string())}, {"bytes", bytes}, {"modified", modified.time_since_epoch().count()}};
}

std::string line(const Json& json) {
  return to_text(json, -1) + '\n';
}

/// The image's name in a journal entry; null where the line is none.
const Json* find_name(const Json& entry) {
  static const Json::json_pointer where("/image/name");
  return entry.contains(where) && entry.contains("input") && entry.at(where).is_string() ? &entry.at(where) : nullptr;
}

void check_same_run(const fs::path& file, const Json& before, const Json& now) {
  if (before == now) return;
  const Json::json_pointer where(Json::diff(before, now).at(0).at("path").get<std::string>());
  const auto at = [&where](const Json& json) { return json.contains(where) ? to_text(json.at(where), -1) : "absent"; };
  fail(ErrorKind::usage, file.parent_path().parent_path().string(), ": cannot resume, the earlier run differs in ",
       where.to_string().substr(1), ": ", at(before), " then, ", at(now), " now");
}

}  // namespace

void Journal::start(const Json& identity) {
  entries_.clear();
  write_file_atomically(file_, line(identity), Sync::yes);
  open();
}

void Journal::resume(const Json& identity) {
  std::ifstream in(file_);
  std::string text;
  if (std::getline(in, text)) {
    const Json before = Json::parse(text, nullptr, false);
    check(!before.is_discarded(), ErrorKind::output, file_.string(), ": damaged, cannot resume");
    check_same_run(file_, before, identity);
  }
  entries_.clear();
  text = line(identity);
  for (std::string entry; std::getline(in, entry);) {
    Json json = Json::parse(entry, nullptr, false);
    const Json* name = find_name(json);
    if (!name) continue;
    text += entry + '\n';
    entries_[*name] = std::move(json);
  }
  write_file_atomically(file_, text, Sync::yes);
  open();
}

void Journal::open() {
  out_.open(file_, std::ios::app);
  check(out_.is_open(), ErrorKind::output, file_.string(), ": cannot be written");
}

void Journal::append(const fs::path& input, const Json& image) {
  out_ << line({{"input", stamp_of(input)}, {"image", image}}) << std::flush;
  check(out_.good(), ErrorKind::output, file_.string(), ": cannot be written");
  constexpr std::chrono::seconds at_risk(1);  // what a power cut may cost
  const auto now = std::chrono::steady_clock::now();
  if (now - last_sync_ < at_risk) return;
  sync_file(file_);
  last_sync_ = now;
}

const Json* Journal::find(const std::string& name, const fs::path& input) const {
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return nullptr;
  const Json stamp = stamp_of(input);
  return !stamp.is_null() && entry->second.at("input") == stamp ? &entry->second.at("image") : nullptr;
}

}  // namespace giemsa
