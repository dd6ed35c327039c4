#include "weights/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace giemsa {

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  // Hidden, and distinct per process and call; a leftover of a killed process with the same number is passed over.
  static std::atomic<unsigned> counter = 0;
  do {
    temporary_ = path_.parent_path() / cat('.', path_.filename().string(), '.', ::getpid(), '.', counter++, ".tmp");
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);
  check(descriptor_ >= 0, ErrorKind::output, "cannot be written: ", std::strerror(errno));
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    check(written >= 0, ErrorKind::output, "cannot be written: ", std::strerror(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  check(::fsync(descriptor_) == 0, ErrorKind::output, "cannot be synced: ", std::strerror(errno));
  check(::rename(temporary_.c_str(), path_.c_str()) == 0, ErrorKind::output,
        "cannot be replaced: ", std::strerror(errno));
  ::close(std::exchange(descriptor_, -1));
}

}  // namespace giemsa
