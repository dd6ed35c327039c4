#include "weights/convert/zip_archive.h"

#include <algorithm>

#include "tests/weights/bytes.h"

namespace giemsa {
namespace {

using namespace testing;

std::string archive_refusal(const std::string& content) {
  const FileBytes file = in_memory(content);
  return error_of([&] { ZipArchive archive(file.bytes); });
}

TEST_CASE("stored entries are found and their CRC is checked") {
  const FileBytes file =
      in_memory(zipped({{"a/one", "first"}, {"a/two", ""}, {.name = "b", .content = "x", .with_crc = false}}));
  ZipArchive archive(file.bytes);
  CHECK(archive.entries().size() == 3);
  CHECK(text_of(archive.read("a/one")) == "first");
  CHECK(archive.read("a/two").empty());
  CHECK(text_of(archive.read("b")) == "x");
  CHECK(contains(error_of([&] { archive.read("c"); }), "no entry 'c'"));
}

TEST_CASE("a damaged entry is noticed if and only if it carries a CRC") {
  for (bool with_crc : {true, false}) {
    std::string content = zipped({{.name = "a", .content = "payload", .with_crc = with_crc}});
    content[content.find("payload")] ^= 4;
    const FileBytes file = in_memory(content);
    ZipArchive archive(file.bytes);
    const std::string message = error_of([&] { archive.read("a"); });
    CHECK(contains(message, "entry 'a' is damaged") == with_crc);
  }
}

TEST_CASE("an archive may have a comment, even one that looks like an end record") {
  CHECK(archive_refusal(zipped({{"a", "x"}}, "hello")) == "");
  CHECK(archive_refusal(zipped({{"a", "x"}}, "PK\5\6 and more text than an end record needs")) == "");
}

TEST_CASE("entries of unknown compression, encrypted, duplicate or overlapping are refused") {
  const FileBytes compressed = in_memory(zipped({{.name = "a", .content = "x", .method = 12}}));
  CHECK(contains(error_of([&] { ZipArchive(compressed.bytes).read("a"); }), "entry 'a' is compressed (method 12)"));
  const FileBytes damaged = in_memory(zipped({{.name = "a", .content = "\7", .method = 8}}));
  CHECK(contains(error_of([&] { ZipArchive(damaged.bytes).read("a"); }), "entry 'a': damaged: its packed data"));
  CHECK(contains(archive_refusal(zipped({{.name = "a", .content = "x", .flags = 1}})), "entry 'a': is encrypted"));
  CHECK(contains(archive_refusal(zipped({{"a", "x"}, {"a", "y"}})), "entry 'a': is there twice"));
  CHECK(contains(archive_refusal(zipped({{"a", "x"}, {"b", "y"}, {.name = "c", .content = "z", .header_shift = -1}})),
                 "entry 'c'"));

  // An entry inside another one's data: the overlap that makes zip bombs.
  const std::string inner = zipped({{"in", "x"}});
  const std::string header = inner.substr(0, 30 + 2 + 1);
  const int back = -static_cast<int>(header.size());
  std::string both = zipped({{"out", header}, {.name = "in", .content = "x", .header_shift = back}});
  CHECK(contains(archive_refusal(both), "overlap"));
}

TEST_CASE("a directory that lies about itself is refused") {
  const std::string good = zipped({{"a", "x"}});
  const std::size_t end = good.size() - 22;
  const auto with = [&](std::size_t at, std::string_view bytes) {
    std::string bad = good;
    bad.replace(at, bytes.size(), bytes);
    return archive_refusal(bad);
  };
  REQUIRE(archive_refusal(good) == "");
  CHECK(archive_refusal(good + "tail") == "");  // appended to
  CHECK(contains(archive_refusal(good.substr(0, good.size() - 1)), "no end record"));
  CHECK(contains(archive_refusal("PK\3\4"), "expected at least 22"));
  CHECK(contains(with(end + 4, le<std::uint16_t>(1)), "one part of several"));
  CHECK(contains(with(end + 10, le<std::uint16_t>(2)), "claims 2 entries"));
  CHECK(contains(with(end + 10, le<std::uint16_t>(0)), "left over"));
  CHECK(contains(with(end + 10, le<std::uint16_t>(0xffff)), "zip64 locator"));
  CHECK(contains(with(end + 12, le<std::uint32_t>(1u << 30)), "past the end"));
  CHECK(contains(with(end + 16, le<std::uint32_t>(0xfffffffe)), "past the end"));
}

/// `file`, whose end record is replaced by a zip64 one of the given directory, and a saturated one.
std::string with_zip64_end(std::string file, std::uint64_t entries, std::uint64_t size, std::uint64_t offset) {
  file.resize(file.size() - 22);
  const std::uint64_t record = file.size();
  file += "PK\6\6" + le<std::uint64_t>(44) + le<std::uint16_t>(30) + le<std::uint16_t>(45) + std::string(8, '\0') +
          le(entries) + le(entries) + le(size) + le(offset);
  file += "PK\6\7" + le<std::uint32_t>(0) + le(record) + le<std::uint32_t>(1);
  return file + "PK\5\6" + std::string(4, '\0') + std::string(12, '\xff') + std::string(2, '\0');
}

TEST_CASE("zip64 records are read, and checked like the others") {
  const std::string small = zipped({{"a", "x"}});
  const std::uint64_t offset = 30 + 1 + 1, size = 46 + 1;
  CHECK(archive_refusal(with_zip64_end(small, 1, size, offset)) == "");
  CHECK(contains(archive_refusal(with_zip64_end(small, 1, size, offset + 1)), "past the end"));
  CHECK(contains(archive_refusal(with_zip64_end(small, 1, size, ~std::uint64_t{0})), "past the end"));
  CHECK(contains(archive_refusal(with_zip64_end(small, ~std::uint64_t{0}, size, offset)),
                 "claims 18446744073709551615 entries"));
}

TEST_CASE("a zip64 extra field gives the sizes that the directory leaves saturated") {
  const auto archive_of = [](std::uint64_t size, std::uint64_t stored) {
    const std::string saturated(4, '\xff'), crc = le(crc32(std::as_bytes(std::span(std::string_view("x")))));
    const std::string extra =
        le<std::uint16_t>(1) + le<std::uint16_t>(24) + le(size) + le(stored) + le<std::uint64_t>(0);
    std::string file = zipped({{"a", "x"}});
    file.resize(30 + 1 + 1);
    file += "PK\1\2" + std::string(12, '\0') + crc + saturated + saturated + le<std::uint16_t>(1) +
            le(static_cast<std::uint16_t>(extra.size())) + std::string(10, '\0') + saturated + "a" + extra;
    const auto directory_size = static_cast<std::uint32_t>(file.size() - 32);
    return file + "PK\5\6" + std::string(4, '\0') + le<std::uint16_t>(1) + le<std::uint16_t>(1) + le(directory_size) +
           le<std::uint32_t>(32) + std::string(2, '\0');
  };
  CHECK(archive_refusal(archive_of(1, 1)) == "");
  CHECK(contains(archive_refusal(archive_of(1, 2)), "stores 2 bytes, expected 1"));
  CHECK(contains(archive_refusal(archive_of(~std::uint64_t{0}, ~std::uint64_t{0})), "past the end"));
}

}  // namespace
}  // namespace giemsa
