// What the command says beside its results.
#pragma once

#include <string_view>

#include "engine/base/check.h"

namespace giemsa {

/// One line on stderr: "giemsa: error: ..." or "giemsa: ...".
void print_error(std::string_view message);

/// The error's message, and what to do about it in the words of this command line.
void print_error(const Error& error);
void print_note(std::string_view message);

/// Throws Error(output) where something printed on stdout was lost (a full disk behind a redirection).
void check_stdout();

}  // namespace giemsa
