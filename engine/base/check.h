// How everything here fails: one exception type, one line of text, one kind that decides the exit code.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace giemsa {

/// What went wrong, from the point of view of the person who has to act on it.
enum class ErrorKind {
  usage,        ///< an argument or option is wrong                    (exit code 2)
  image,        ///< one input image cannot be used                    (that image fails, the run goes on)
  model,        ///< a model file cannot be used, or not in this role  (exit code 3)
  device,       ///< the device cannot be used                         (exit code 4)
  device_lost,  ///< it failed for good in this process              (exit code 4)
  cancelled,    ///< whoever asked for it does not want it any more
  output,       ///< a result cannot be written                        (exit code 5)
  internal,     ///< a defect of ours
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

/// The parts, streamed one after the other.
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return std::move(out).str();
}

/// Throws Error. A message is one line: what, which file or layer, expected and actual.
template <class... Parts>
[[noreturn]] void fail(ErrorKind kind, const Parts&... parts) {
  throw Error(kind, cat(parts...));
}

/// Fails unless `ok`. The parts are formatted only on failure.
template <class... Parts>
void check(bool ok, ErrorKind kind, const Parts&... parts) {
  if (!ok) [[unlikely]]
    fail(kind, parts...);
}

}  // namespace giemsa
