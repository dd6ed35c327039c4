// A model's bytes, mapped from a file or lent by the caller, with the name that errors give them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "engine/base/check.h"
#include "weights/byte_view.h"

namespace giemsa {

struct FileBytes {
  std::string name;
  ByteView bytes;
  std::shared_ptr<const void> owner;  ///< keeps `bytes` alive; tensors that view them share it
};

/// Maps a regular, non-empty file read-only. Throws ErrorKind::model. Nobody may shorten the file while it is mapped:
/// the operating system would answer a read past its new end with SIGBUS.
FileBytes map_file(const std::filesystem::path& path);

/// A part of `file.bytes`: a view that shares the owner, or a copy where it is misaligned for elements of that size
/// or is no part of them, as what was unpacked is.
std::shared_ptr<const std::byte> view_or_copy(const FileBytes& file, ByteView part, std::size_t element_size);

/// What `read` returns; its errors gain "`name`: " in front.
template <class Read>
auto naming(const std::string& name, Read&& read) {
  try {
    return std::forward<Read>(read)();
  } catch (const Error& error) {
    throw Error(error.kind(), cat(name, ": ", error.what()), error.hint());
  }
}

}  // namespace giemsa
