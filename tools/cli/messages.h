// What the command says beside its results.
#pragma once

#include <string_view>

namespace giemsa {

/// One line on stderr: "giemsa: error: ..." or "giemsa: ...".
void print_error(std::string_view message);
void print_note(std::string_view message);

/// Throws Error(output) where something printed on stdout was lost (a full disk behind a redirection).
void check_stdout();

}  // namespace giemsa
