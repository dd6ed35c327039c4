#include "tools/text/csv_reader.h"

#include "engine/base/check.h"

namespace giemsa {

CsvReader::CsvReader(std::string_view text) : rest_(text) {
  if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
}

bool CsvReader::next(std::vector<std::string>& fields) {
  while (!rest_.empty()) {
    begun_ = line_;
    take_record(fields);
    if (fields.size() > 1 || !fields.front().empty()) return true;
  }
  return false;
}

void CsvReader::take_record(std::vector<std::string>& fields) {
  fields.assign(1, "");
  bool quoted = false;
  while (!rest_.empty()) {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '\n') ++line_;
    if (quoted && c == '"' && rest_.starts_with('"')) {
      fields.back() += '"';
      rest_.remove_prefix(1);
    } else if (c == '"') {
      quoted = !quoted;
    } else if (quoted) {
      fields.back() += c;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      return;
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  check(!quoted, ErrorKind::usage, "line ", line_, ": a quote is never closed");
}

}  // namespace giemsa
