#include "weights/convert/zip_archive.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "weights/convert/inflate.h"
#include "weights/crc32.h"
#include "weights/mapped_file.h"

namespace giemsa {

namespace {

constexpr std::uint32_t local_signature = 0x04034b50, central_signature = 0x02014b50, end_signature = 0x06054b50,
                        end64_signature = 0x06064b50, locator64_signature = 0x07064b50;
constexpr std::uint64_t local_size = 30, central_size = 46, end_size = 22, end64_size = 56, locator64_size = 20;
constexpr std::uint64_t longest_comment = 65535;
constexpr std::uint16_t stored = 0, deflated = 8;

/// A 16- or 32-bit field of all ones means: the value is in the zip64 record.
template <class T>
bool saturated(T value) {
  return value == std::numeric_limits<T>::max();
}

struct Directory {
  std::uint64_t entries, size, offset;
};

/// The end record is the last thing in the file, but for a comment whose length it gives. Where no record is, the last
/// one whose comment leaves bytes over: the file was appended to.
std::uint64_t find_end(ByteView file) {
  check(file.size() >= end_size, ErrorKind::model, "the zip archive has ", file.size(), " bytes, expected at least ",
        end_size);
  const std::uint64_t last = file.size() - end_size, first = last - std::min(last, longest_comment);
  std::optional<std::uint64_t> appended_to;
  for (std::uint64_t at = last + 1; at-- > first;) {
    if (read_le<std::uint32_t>(file, at, "") != end_signature) continue;
    const std::uint64_t comment = read_le<std::uint16_t>(file, at + 20, "");
    if (comment == last - at) return at;
    if (comment < last - at && !appended_to) appended_to = at;
  }
  check(appended_to.has_value(), ErrorKind::model, "the zip archive has no end record: the file was cut off");
  return *appended_to;
}

Directory find_directory(ByteView file) {
  const std::uint64_t end = find_end(file);
  const auto disk = read_le<std::uint16_t>(file, end + 4, ""),
             directory_disk = read_le<std::uint16_t>(file, end + 6, "");
  const auto entries = read_le<std::uint16_t>(file, end + 10, "");
  const auto size = read_le<std::uint32_t>(file, end + 12, ""), offset = read_le<std::uint32_t>(file, end + 16, "");
  check(disk == 0 && directory_disk == 0, ErrorKind::model, "the zip archive is one part of several");

  Directory result{entries, size, offset};
  std::uint64_t limit = end;
  if (saturated(entries) || saturated(size) || saturated(offset)) {
    check(end >= locator64_size && read_le<std::uint32_t>(file, end - locator64_size, "") == locator64_signature,
          ErrorKind::model, "the zip archive lacks its zip64 locator");
    limit = read_le<std::uint64_t>(file, end - locator64_size + 8, "");
    const ByteView record = slice(file.first(end - locator64_size), limit, end64_size, "the zip64 end record");
    check(read_le<std::uint32_t>(record, 0, "") == end64_signature, ErrorKind::model,
          "the zip64 end record is damaged");
    if (saturated(entries)) result.entries = read_le<std::uint64_t>(record, 32, "");
    if (saturated(size)) result.size = read_le<std::uint64_t>(record, 40, "");
    if (saturated(offset)) result.offset = read_le<std::uint64_t>(record, 48, "");
  }
  slice(file.first(limit), result.offset, result.size, "the zip directory");
  check(result.entries <= ZipArchive::most_entries && result.entries <= result.size / central_size, ErrorKind::model,
        "the zip directory of ", result.size, " bytes claims ", result.entries, " entries, the limit is ",
        std::min(ZipArchive::most_entries, result.size / central_size));
  return result;
}

/// One record of the directory. Sizes count only here: PyTorch leaves them out of the local headers.
struct Record {
  std::string_view name;
  std::uint32_t crc;
  std::uint16_t method;
  std::uint64_t size, stored_size, local_header;
  std::uint64_t length;  // of the record itself
};

/// The zip64 extra field holds, in order, those of the record's 64-bit fields that are saturated there.
void read_zip64_extra(ByteView extra, std::initializer_list<std::uint64_t*> saturated_fields) {
  while (!extra.empty()) {
    const auto id = read_le<std::uint16_t>(extra, 0, "an extra field"),
               size = read_le<std::uint16_t>(extra, 2, "an extra field");
    const ByteView content = slice(extra, 4, size, "an extra field");
    extra = extra.subspan(4 + content.size());
    if (id != 1) continue;
    std::uint64_t at = 0;
    for (std::uint64_t* field : saturated_fields) {
      if (*field != std::numeric_limits<std::uint32_t>::max()) continue;
      *field = read_le<std::uint64_t>(content, at, "a zip64 field");
      at += sizeof(*field);
    }
    return;
  }
  fail(ErrorKind::model, "lacks its zip64 field");
}

Record read_record(ByteView directory) {
  check(read_le<std::uint32_t>(directory, 0, "the zip directory") == central_signature, ErrorKind::model,
        "the zip directory is damaged");
  const auto field16 = [&](std::uint64_t at) { return read_le<std::uint16_t>(directory, at, "the zip directory"); };
  const auto field32 = [&](std::uint64_t at) { return read_le<std::uint32_t>(directory, at, "the zip directory"); };
  const std::uint64_t name_size = field16(28), extra_size = field16(30), comment_size = field16(32);
  const ByteView extra = slice(directory, central_size + name_size, extra_size, "an entry's extra fields");
  Record record{.name = text_of(slice(directory, central_size, name_size, "an entry's name")),
                .crc = field32(16),
                .method = field16(10),
                .size = field32(24),
                .stored_size = field32(20),
                .local_header = field32(42),
                .length = central_size + name_size + extra_size + comment_size};
  naming(cat("entry ", in_quotes(record.name)), [&] {
    constexpr int encrypted = 1;
    check(!(field16(8) & encrypted), ErrorKind::model, "is encrypted");
    if (saturated(field32(24)) || saturated(field32(20)) || saturated(field32(42))) {
      read_zip64_extra(extra, {&record.size, &record.stored_size, &record.local_header});
    }
    check(record.method != stored || record.stored_size == record.size, ErrorKind::model, "stores ", record.stored_size,
          " bytes, expected ", record.size);
  });
  return record;
}

/// Where an entry's data lie: past its local header, whose name must repeat the directory's.
ByteView find_data(ByteView area, const Record& record) {
  const ByteView header = slice(area, record.local_header, local_size, "its header");
  check(read_le<std::uint32_t>(header, 0, "") == local_signature, ErrorKind::model, "has no header at byte ",
        record.local_header);
  const std::uint64_t name_length = read_le<std::uint16_t>(header, 26, ""),
                      extra_length = read_le<std::uint16_t>(header, 28, "");
  const std::uint64_t name_at = record.local_header + local_size;
  check(text_of(slice(area, name_at, name_length, "its name")) == record.name, ErrorKind::model,
        "has another name in its header");
  return slice(area, name_at + name_length + extra_length, record.stored_size, "its data");
}

}  // namespace

ZipArchive::ZipArchive(ByteView file) : file_size_(file.size()) {
  const Directory directory = find_directory(file);
  ByteView records = file.subspan(directory.offset, directory.size);
  const ByteView area = file.first(directory.offset);

  struct Extent {
    std::uint64_t begin, end;
  };
  std::vector<Extent> extents;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    const Record record = read_record(records);
    records = records.subspan(slice(records, 0, record.length, "the zip directory").size());
    naming(cat("entry ", in_quotes(record.name)), [&] {
      const ByteView data = find_data(area, record);
      extents.push_back({record.local_header, static_cast<std::uint64_t>(data.data() - file.data()) + data.size()});
      check(entries_.try_emplace(record.name, Entry{data, record.crc, record.method, record.size}).second,
            ErrorKind::model, "is there twice");
    });
  }
  check(records.empty(), ErrorKind::model, "the zip directory has ", records.size(), " bytes left over");

  std::ranges::sort(extents, {}, &Extent::begin);
  for (std::size_t i = 1; i < extents.size(); ++i) {
    check(extents[i - 1].end <= extents[i].begin, ErrorKind::model, "two zip entries overlap at byte ",
          extents[i].begin);
  }
}

ByteView ZipArchive::unpacked(std::string_view name, const Entry& entry) {
  constexpr std::uint64_t most_beside = 64u << 20, most_times = 16;  // weights hardly compress
  const auto [found, added] = unpacked_.try_emplace(name);
  if (!added) return found->second;
  check(entry.size <= most_beside + most_times * file_size_ - unpacked_size_, ErrorKind::model,
        "unpacks, with those before it, to more than ", most_times, " times the file");
  unpacked_size_ += entry.size;
  found->second = inflate(entry.bytes, entry.size);
  return found->second;
}

ByteView ZipArchive::read(std::string_view name) {
  const auto found = entries_.find(name);
  check(found != entries_.end(), ErrorKind::model, "the zip archive has no entry ", in_quotes(name));
  const Entry& entry = found->second;
  const std::uint32_t crc = entry.crc;
  check(entry.method == stored || entry.method == deflated, ErrorKind::model, "entry ", in_quotes(name),
        " is compressed (method ", entry.method, "), expected stored or deflated");
  const ByteView bytes = entry.method == stored
                             ? entry.bytes
                             : naming(cat("entry ", in_quotes(name)), [&] { return unpacked(found->first, entry); });
  if (crc == 0) return bytes;
  const std::uint32_t actual = crc32(bytes);
  check(actual == crc, ErrorKind::model, "entry ", in_quotes(name), " is damaged: its CRC-32 is ", actual,
        ", expected ", crc);
  return bytes;
}

}  // namespace giemsa
