// Zip archives (APPNOTE.TXT 6.3.9) whose entries are stored as they are, as PyTorch writes them, or deflated, as they
// are once a person has packed them anew.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "weights/byte_view.h"

namespace giemsa {

/// The entries of an archive, as views of its bytes, which must outlive it.
class ZipArchive {
 public:
  struct Entry {
    ByteView bytes;
    std::uint32_t crc;     ///< 0 where the writer left it out
    std::uint16_t method;  ///< how `bytes` are compressed; 0 is not at all
    std::uint64_t size;    ///< uncompressed
  };

  /// Reads the directory. Throws ErrorKind::model if an entry is encrypted, a duplicate, overlapping another,
  /// or not where the directory says, and on more than `most_entries`.
  explicit ZipArchive(ByteView file);

  static constexpr std::uint64_t most_entries = 100'000;

  const std::map<std::string_view, Entry>& entries() const { return entries_; }
  /// The entry's bytes after checking their CRC, if they carry one; the archive owns what it unpacked. Throws
  /// ErrorKind::model if the CRC is wrong, nothing is there, the method is another than deflate, or all that was
  /// unpacked is far larger than the file.
  ByteView read(std::string_view name);

 private:
  ByteView unpacked(std::string_view name, const Entry& entry);

  std::uint64_t file_size_;
  std::uint64_t unpacked_size_ = 0;
  std::map<std::string_view, std::vector<std::byte>> unpacked_;
  std::map<std::string_view, Entry> entries_;
};

}  // namespace giemsa
