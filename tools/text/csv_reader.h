// Reads comma-separated values (RFC 4180), a record at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace giemsa {

class CsvReader {
 public:
  /// `text` must outlive the reader; a byte order mark, as spreadsheets write it, is passed over.
  explicit CsvReader(std::string_view text);

  /// The fields of the next record that is no empty line; false at the end. Throws Error(usage), naming the line, where a
  /// quote is never closed.
  bool next(std::vector<std::string>& fields);

  /// The line that the last record began in, from 1.
  int line() const { return begun_; }

 private:
  void take_record(std::vector<std::string>& fields);

  std::string_view rest_;
  int line_ = 1, begun_ = 0;
};

}  // namespace giemsa
