#include "weights/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace giemsa {

namespace {

struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

}  // namespace

FileBytes map_file(const std::filesystem::path& path) {
  return naming(path.string(), [&] {
    // O_NONBLOCK: opening a pipe must come back to be refused instead of waiting for a writer.
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    check(file.value >= 0, ErrorKind::model, "cannot be opened: ", std::strerror(errno));
    struct stat info {};
    check(::fstat(file.value, &info) == 0, ErrorKind::model, "cannot be examined: ", std::strerror(errno));
    check(S_ISREG(info.st_mode), ErrorKind::model, "is not a regular file");
    check(info.st_size > 0, ErrorKind::model, "is empty");

    const auto size = static_cast<std::size_t>(info.st_size);
    void* const data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.value, 0);
    check(data != MAP_FAILED, ErrorKind::model, "cannot be mapped: ", std::strerror(errno));
    std::shared_ptr<const void> owner(data, [size](void* mapped) { ::munmap(mapped, size); });
    return FileBytes{path.string(), {static_cast<const std::byte*>(data), size}, std::move(owner)};
  });
}

std::shared_ptr<const std::byte> view_or_copy(const FileBytes& file, ByteView part, std::size_t element_size) {
  const auto begin = reinterpret_cast<std::uintptr_t>(file.bytes.data()),
             at = reinterpret_cast<std::uintptr_t>(part.data());
  const bool is_part = at >= begin && at - begin <= file.bytes.size();
  if (is_part && at % element_size == 0) return {file.owner, part.data()};
  std::shared_ptr<std::byte[]> copy(new std::byte[part.size()]);
  std::ranges::copy(part, copy.get());
  return {copy, copy.get()};
}

}  // namespace giemsa
