#include "tools/text/csv.h"

namespace giemsa {

namespace {

bool is_formula(std::string_view text) {
  return !text.empty() && std::string_view("=+-@\t").find(text.front()) != std::string_view::npos;
}

}  // namespace

std::string without_apostrophe(std::string field) {
  if (field.starts_with('\'') && is_formula(std::string_view(field).substr(1))) field.erase(0, 1);
  return field;
}

void CsvWriter::begin_field() {
  if (row_started_) rows_ += ',';
  row_started_ = true;
}

CsvWriter& CsvWriter::text(std::string_view text) {
  begin_field();
  const bool quoted = text.find_first_of(",\"\r\n") != std::string_view::npos;
  if (quoted) rows_ += '"';
  if (is_formula(text)) rows_ += '\'';
  for (const char c : text) rows_.append(c == '"' ? 2 : 1, c);
  if (quoted) rows_ += '"';
  return *this;
}

CsvWriter& CsvWriter::number(std::string_view digits) {
  begin_field();
  rows_ += digits;
  return *this;
}

void CsvWriter::end_row() {
  rows_ += '\n';
  row_started_ = false;
}

}  // namespace giemsa
