// A shared library that is opened while the program runs. It stays loaded to the end: vendors' libraries keep state
// with the driver that outlives what was made of them.
#pragma once

#include <string>

namespace giemsa::cuda {

class SharedLibrary {
 public:
  /// Opens `file`: a path, or a name that the system's loader looks for and, after it, the toolkit's usual folder.
  /// Throws Error(device), naming the file and saying why, where that fails.
  explicit SharedLibrary(const std::string& file);

  /// Throws Error(device), naming file and function, where the library has none of this name.
  template <class F>
  void find(F*& function, const char* name) const {
    function = reinterpret_cast<F*>(address_of(name));
  }
  /// What was opened.
  const std::string& file() const { return file_; }

 private:
  void* address_of(const char* name) const;

  std::string file_;
  void* handle_;
};

}  // namespace giemsa::cuda
