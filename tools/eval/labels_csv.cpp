#include "tools/eval/labels_csv.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "engine/base/check.h"
#include "weights/mapped_file.h"

namespace giemsa::eval {
namespace {

using Record = std::vector<std::string>;

/// Takes the next record off `text` and counts its lines.
Record take_record(std::string_view& text, int& line) {
  Record fields(1);
  bool quoted = false;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '\n') ++line;
    if (quoted && c == '"' && text.starts_with('"')) {
      fields.back() += '"';
      text.remove_prefix(1);
    } else if (c == '"') {
      quoted = !quoted;
    } else if (quoted) {
      fields.back() += c;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      return fields;
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  check(!quoted, ErrorKind::usage, "line ", line, ": a quote is never closed");
  return fields;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(';', start), text.size());
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

int whole_number(const std::string& text, int line) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(error == std::errc() && end == text.data() + text.size(), ErrorKind::usage, "line ", line, ": fold '", text,
        "' is no whole number");
  return value;
}

}  // namespace

std::vector<LabelRow> parse_labels(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // as spreadsheets write it
  int line = 1;
  const Record head = take_record(text, line);
  const auto column = [&](std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(head, name) - head.begin());
  };
  const std::size_t image = column("image"), fold = column("fold"),
                    classes = std::min(column("classes"), column("class"));
  check(image < head.size(), ErrorKind::usage, "line 1: no column 'image'");

  std::vector<LabelRow> rows;
  std::set<std::string> seen;
  while (!text.empty()) {
    const int start = line;
    const Record fields = take_record(text, line);
    if (fields == Record{""}) continue;
    check(fields.size() == head.size(), ErrorKind::usage, "line ", start, ": ", fields.size(), " fields, expected ",
          head.size());
    LabelRow& row = rows.emplace_back();
    row.image = fields[image];
    check(!row.image.empty(), ErrorKind::usage, "line ", start, ": names no image");
    check(seen.insert(row.image).second, ErrorKind::usage, "line ", start, ": '", row.image, "' again");
    if (classes < head.size()) row.classes = split(fields[classes]);
    if (fold < head.size() && !fields[fold].empty()) row.fold = whole_number(fields[fold], start);
  }
  return rows;
}

std::vector<LabelRow> read_labels(const std::filesystem::path& file) {
  return naming(file.string(), [&] {
    std::ifstream stream(file, std::ios::binary);
    check(stream.is_open(), ErrorKind::usage, "cannot be read");
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    return parse_labels(text);
  });
}

}  // namespace giemsa::eval
