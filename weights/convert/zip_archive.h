// Zip archives whose entries are stored as they are (APPNOTE.TXT 6.3.9), as PyTorch writes them.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "weights/byte_view.h"

namespace giemsa {

/// The entries of an archive, as views of its bytes, which must outlive it.
class ZipArchive {
 public:
  struct Entry {
    ByteView bytes;
    std::uint32_t crc;     ///< 0 where the writer left it out
    std::uint16_t method;  ///< how `bytes` are compressed; 0 is not at all
  };

  /// Reads the directory. Throws ErrorKind::model if an entry is compressed, encrypted, a duplicate, overlapping
  /// another, or not where the directory says, and on more than `most_entries`.
  explicit ZipArchive(ByteView file);

  static constexpr std::uint64_t most_entries = 100'000;

  const std::map<std::string_view, Entry>& entries() const { return entries_; }
  /// The entry's bytes after checking their CRC, if they carry one. Throws ErrorKind::model if it is wrong or nothing
  /// is there.
  ByteView read(std::string_view name) const;

 private:
  std::map<std::string_view, Entry> entries_;
};

}  // namespace giemsa
