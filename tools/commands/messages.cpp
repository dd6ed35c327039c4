#include "tools/commands/messages.h"

#include <iostream>

#include "engine/check.h"
#include "tools/outputs/text.h"

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
