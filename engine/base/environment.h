// The process's environment, which a library reads only where its host wants it to.
#pragma once

#include <cstdlib>
#include <string_view>

namespace giemsa {

inline thread_local bool environment_counts = true;

/// The value of a variable; empty where it is unset, or where an IgnoredEnvironment lives on this thread.
inline std::string_view environment(const char* name) {
  const char* value = environment_counts ? std::getenv(name) : nullptr;
  return value ? value : "";
}

/// While it lives, environment() is empty on this thread.
class IgnoredEnvironment {
 public:
  IgnoredEnvironment() : before_(environment_counts) { environment_counts = false; }
  ~IgnoredEnvironment() { environment_counts = before_; }
  IgnoredEnvironment(const IgnoredEnvironment&) = delete;
  IgnoredEnvironment& operator=(const IgnoredEnvironment&) = delete;

 private:
  bool before_;
};

}  // namespace giemsa
