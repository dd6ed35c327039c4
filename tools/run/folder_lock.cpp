#include "tools/run/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "engine/base/check.h"

namespace giemsa {

namespace fs = std::filesystem;

FolderLock::FolderLock(const fs::path& file) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  check(!error, ErrorKind::output, file.parent_path().string(), ": cannot make this folder: ", error.message());
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  check(descriptor_ >= 0, ErrorKind::output, file.string(), ": cannot be written: ", std::strerror(errno));
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  const int reason = errno;
  ::close(descriptor_);
  check(reason != EWOULDBLOCK, ErrorKind::output, file.parent_path().parent_path().string(),
        ": another run is at work in this folder");
  fail(ErrorKind::output, file.string(), ": cannot be locked: ", std::strerror(reason));
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FolderLock::FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

}  // namespace giemsa
