// Comma-separated values (RFC 4180), a row at a time.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace giemsa {

/// A field as it was before CsvWriter::text() wrote it: without the apostrophe in front of what a spreadsheet would compute.
std::string without_apostrophe(std::string field);

class CsvWriter {
 public:
  /// A field of text: quoted where it must be. Spreadsheets compute what starts with = + - @ or a tab: such text gets
  /// an apostrophe before it, which they do not show.
  CsvWriter& text(std::string_view text);

  /// A number that is formatted already, or nothing at all.
  CsvWriter& number(std::string_view digits);
  CsvWriter& number(std::integral auto value) { return number(std::to_string(value)); }

  CsvWriter& truth(bool value) { return number(value ? "true" : "false"); }

  void end_row();

  const std::string& rows() const { return rows_; }

 private:
  void begin_field();

  std::string rows_;
  bool row_started_ = false;
};

}  // namespace giemsa
