#include "engine/cuda/shared_library.h"

#include <dlfcn.h>

#include "engine/base/check.h"

namespace giemsa::cuda {

namespace {

constexpr const char* usual_folder = "/usr/local/cuda/lib64/";

/// What dlopen() or dlsym() has to say.
std::string complaint() {
  const char* text = dlerror();
  return text ? text : "no reason given";
}

}  // namespace

SharedLibrary::SharedLibrary(const std::string& file) : file_(file) {
  constexpr int how = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE;
  handle_ = dlopen(file.c_str(), how);
  if (handle_) return;
  const std::string reason = complaint();
  if (file.find('/') == std::string::npos) {
    file_ = usual_folder + file;
    handle_ = dlopen(file_.c_str(), how);
  }
  check(handle_ != nullptr, ErrorKind::device, file, " cannot be loaded: ", reason);
}

void* SharedLibrary::address_of(const char* name) const {
  dlerror();  // forgets what was before
  void* address = dlsym(handle_, name);
  if (!address) {
    complaint();  // names the file once more
    fail(ErrorKind::device, file_, " has no function ", name, ": not the library it is taken for");
  }
  return address;
}

}  // namespace giemsa::cuda
