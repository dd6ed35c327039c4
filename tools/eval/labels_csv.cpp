#include "tools/eval/labels_csv.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <set>

#include "engine/base/check.h"
#include "tools/text/csv_reader.h"
#include "weights/mapped_file.h"

namespace giemsa::eval {
namespace {

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
  CsvReader records(text);
  std::vector<std::string> head, fields;
  check(records.next(head), ErrorKind::usage, "line 1: no column 'image'");
  const auto column = [&](std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(head, name) - head.begin());
  };
  const std::size_t image = column("image"), fold = column("fold"),
                    classes = std::min(column("classes"), column("class"));
  check(image < head.size(), ErrorKind::usage, "line 1: no column 'image'");

  std::vector<LabelRow> rows;
  std::set<std::string> seen;
  while (records.next(fields)) {
    const int start = records.line();
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
