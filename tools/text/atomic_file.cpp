#include "tools/text/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "engine/base/check.h"

namespace giemsa {
namespace {

namespace fs = std::filesystem;

/// Writes a whole file; 0, or the errno of what failed.
int write_all(const char* path, std::span<const std::uint8_t> bytes) {
  const int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) return errno;
  int error = 0;
  while (!bytes.empty() && error == 0) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written >= 0)
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      error = errno;
  }
  if (close(descriptor) != 0 && error == 0) error = errno;  // a full disk may show only here
  return error;
}

}  // namespace

void write_file_atomically(const fs::path& file, std::span<const std::uint8_t> bytes) {
  const fs::path folder = file.parent_path();
  std::error_code error;
  if (!folder.empty()) fs::create_directories(folder, error);
  check(!error, ErrorKind::output, folder.string(), ": cannot make this folder: ", error.message());

  const fs::path partial = folder / cat(".", file.filename().string(), ".partial");
  error.assign(write_all(partial.c_str(), bytes), std::generic_category());
  if (!error) fs::rename(partial, file, error);
  if (error) {
    std::error_code ignored;  // the first failure is the one to report
    fs::remove(partial, ignored);
    fail(ErrorKind::output, file.string(), ": cannot be written: ", error.message());
  }
}

void write_file_atomically(const fs::path& file, std::string_view text) {
  write_file_atomically(file, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

}  // namespace giemsa
