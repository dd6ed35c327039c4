#include "tools/cli/messages.h"

#include <iostream>

#include "tools/text/text.h"

namespace giemsa {

namespace {

/// What follows a message whose error carries `hint`.
std::string advice(const Hint& hint) {
  switch (hint.kind) {
    case Hint::Kind::none:
      return "";
    case Hint::Kind::convert:
      return "; make one with: giemsa convert IN --arch ARCH --preset PRESET -o OUT.safetensors";
    case Hint::Kind::calibrate:
      return cat("; make them with: giemsa calibrate ", hint.subjects.at(0), " IMAGES -o OUT.safetensors");
    case Hint::Kind::tune:
      return "; make it anew with: giemsa tune";
    case Hint::Kind::preset:
      return cat("; take: --arch ", hint.subjects.at(0), " --preset ", hint.subjects.at(1));
  }
  return "";
}

}  // namespace

void print_error(std::string_view message) {
  print_note(cat("error: ", message));
}

void print_error(const Error& error) {
  print_error(error.what() + advice(error.hint()));
}

void print_note(std::string_view message) {
  std::cerr << cat("giemsa: ", printable(message), '\n') << std::flush;
}

void check_stdout() {
  check(static_cast<bool>(std::cout.flush()), ErrorKind::output, "standard output cannot be written");
}

}  // namespace giemsa
