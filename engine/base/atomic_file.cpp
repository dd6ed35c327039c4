#include "engine/base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "engine/base/check.h"

namespace giemsa {
namespace {

namespace fs = std::filesystem;

/// Calls `sync` with a descriptor of a file or folder.
template <class SyncCall>
void sync_path(const fs::path& path, SyncCall sync) {
  const int descriptor = ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_CLOEXEC);
  check(descriptor >= 0, ErrorKind::output, path.string(), ": cannot be synced: ", std::strerror(errno));
  const int error = sync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  // Some network file systems have no such call for a folder.
  check(error == 0 || error == EINVAL, ErrorKind::output, path.string(), ": cannot be synced: ", std::strerror(error));
}

}  // namespace

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  // Distinct per process and call; a leftover of a killed process with the same number is passed over.
  static std::atomic<unsigned> counter = 0;
  do {
    hidden_ = path_.parent_path() / cat(hidden_prefix, ::getpid(), '-', counter++);
    descriptor_ = ::open(hidden_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);
  check(descriptor_ >= 0, ErrorKind::output, "cannot be written: ", std::strerror(errno));
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!hidden_.empty()) ::unlink(hidden_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    check(written >= 0, ErrorKind::output, "cannot be written: ", std::strerror(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit(Sync sync) {
  check(sync == Sync::no || ::fsync(descriptor_) == 0, ErrorKind::output, "cannot be synced: ", std::strerror(errno));
  // A full disk may show only here.
  check(::close(std::exchange(descriptor_, -1)) == 0, ErrorKind::output, "cannot be written: ", std::strerror(errno));
  check(::rename(hidden_.c_str(), path_.c_str()) == 0, ErrorKind::output, "cannot be replaced: ", std::strerror(errno));
  hidden_.clear();
  if (sync == Sync::yes) sync_path(path_.parent_path(), ::fsync);
}

void write_file_atomically(const fs::path& file, std::span<const std::uint8_t> bytes, Sync sync) {
  const fs::path folder = file.parent_path();
  std::error_code error;
  if (!folder.empty()) fs::create_directories(folder, error);
  check(!error, ErrorKind::output, folder.string(), ": cannot make this folder: ", error.message());
  try {
    AtomicFile out(file);
    out.write(std::as_bytes(bytes));
    out.commit(sync);
  } catch (const Error& failure) {
    fail(failure.kind(), file.string(), ": ", failure.what());
  }
}

void write_file_atomically(const fs::path& file, std::string_view text, Sync sync) {
  write_file_atomically(file, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()), sync);
}

void sync_file(const fs::path& file) {
  sync_path(file, ::fsync);
}

void sync_file_system(const fs::path& folder) {
  sync_path(folder, ::syncfs);
}

}  // namespace giemsa
