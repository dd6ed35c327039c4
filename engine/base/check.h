// How everything here fails: one exception type, one line of text, one kind that says who has to act.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace giemsa {

/// What went wrong, from the point of view of the person who has to act on it.
enum class ErrorKind {
  usage,        ///< an argument or option is wrong
  image,        ///< one input image cannot be used; others can
  model,        ///< a model file cannot be used, or not in this role
  device,       ///< the device cannot be used
  device_lost,  ///< it failed for good in this process
  memory,       ///< the host has no more of it
  cancelled,    ///< whoever asked for it does not want it any more
  output,       ///< a result cannot be written
  internal,     ///< a defect of ours
};

/// What would help against an error. The library does not know under which name a program offers that: the program
/// that prints the error puts the hint into its own words.
struct Hint {
  enum class Kind {
    none,
    convert,    ///< make a model of the checkpoint
    calibrate,  ///< find the scales of the activations of the model `subjects[0]`
    tune,       ///< measure the GPU's plans anew
    preset,     ///< convert as architecture `subjects[0]` of preset `subjects[1]`
  };

  Kind kind = Kind::none;
  std::vector<std::string> subjects = {};
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message, Hint hint = {})
      : std::runtime_error(message), kind_(kind), hint_(std::move(hint)) {}
  ErrorKind kind() const noexcept { return kind_; }
  const Hint& hint() const noexcept { return hint_; }

 private:
  ErrorKind kind_;
  Hint hint_;
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
