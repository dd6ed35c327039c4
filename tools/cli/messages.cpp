#include "tools/cli/messages.h"

#include <iostream>

#include "engine/base/check.h"
#include "tools/text/text.h"

namespace giemsa {

void print_error(std::string_view message) {
  print_note(cat("error: ", message));
}

void print_note(std::string_view message) {
  std::cerr << cat("giemsa: ", printable(message), '\n') << std::flush;
}

void check_stdout() {
  check(static_cast<bool>(std::cout.flush()), ErrorKind::output, "standard output cannot be written");
}

}  // namespace giemsa
