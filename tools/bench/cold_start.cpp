#include "tools/bench/cold_start.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "engine/base/check.h"
#include "tools/bench/calls.h"

namespace giemsa::bench {
namespace {

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {
    check(value >= 0, ErrorKind::internal, "cold start: ", std::generic_category().message(errno));
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  void close() {
    if (value_ >= 0) ::close(value_);
    value_ = -1;
  }
  int get() const { return value_; }

 private:
  int value_;
};

/// A file in memory that holds `bytes`, ready to be read from its beginning.
int file_of(std::span<const std::uint8_t> bytes) {
  const int file = memfd_create("image", MFD_CLOEXEC);
  for (std::size_t done = 0; file >= 0 && done < bytes.size();) {
    const ssize_t written = write(file, bytes.data() + done, bytes.size() - done);
    if (written < 0) break;  // the process will find the image cut short
    done += static_cast<std::size_t>(written);
  }
  if (file >= 0) lseek(file, 0, SEEK_SET);
  return file;
}

/// False at the end of the file.
bool read_whole(int file, void* to, std::size_t size) {
  auto* bytes = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t got = read(file, bytes, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

double cold_start_ms(const std::vector<std::string>& arguments, std::span<const std::uint8_t> input) {
  std::vector<char*> argv{const_cast<char*>("giemsa")};  // exec changes none of them
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  Descriptor image(file_of(input));
  int ends[2];
  check(pipe2(ends, O_CLOEXEC) == 0, ErrorKind::internal, "cold start: ", std::generic_category().message(errno));
  Descriptor from_child(ends[0]), to_parent(ends[1]);

  const pid_t child = fork();
  check(child >= 0, ErrorKind::internal, "cold start: ", std::generic_category().message(errno));
  if (child == 0) {  // other threads' locks may be held here: nothing but system calls until exec
    dup2(image.get(), STDIN_FILENO);
    dup2(to_parent.get(), STDOUT_FILENO);
    const Clock::time_point start = Clock::now();
    if (write(STDOUT_FILENO, &start, sizeof start) == sizeof start) execv("/proc/self/exe", argv.data());
    _exit(127);
  }
  to_parent.close();
  Clock::time_point start;
  char first;
  const bool answered = read_whole(from_child.get(), &start, sizeof start) && read_whole(from_child.get(), &first, 1);
  const double ms = ms_since(start);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  check(answered && WIFEXITED(status) && WEXITSTATUS(status) == 0, ErrorKind::internal,
        "cold start: the process ended without a result, status ", status);
  return ms;
}

std::vector<std::uint8_t> read_standard_input() {
  std::vector<std::uint8_t> bytes;
  std::uint8_t part[65536];
  while (true) {
    const ssize_t got = read(STDIN_FILENO, part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return bytes;
    bytes.insert(bytes.end(), part, part + got);
  }
}

}  // namespace giemsa::bench
