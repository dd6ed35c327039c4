// giemsa completion: what shells and man have to know of this command line.
#include <iostream>
#include <memory>

#include "tools/cli/arguments.h"
#include "tools/cli/help_pages.h"

namespace giemsa {
namespace {

Exit print(const ProgramHelp& program, const std::string& kind) {
  std::cout << (kind == "bash"   ? bash_completion(program)
                : kind == "zsh"  ? zsh_completion(program)
                : kind == "fish" ? fish_completion(program)
                                 : man_page(program));
  return Exit::ok;
}

constexpr const char* completion_footer = R"(Examples:
  source <(giemsa completion bash)
  giemsa completion zsh > ~/.zfunc/_giemsa
  giemsa completion fish > ~/.config/fish/completions/giemsa.fish
  giemsa completion man | man -l -

All four come with `cmake --install`.)";

}  // namespace

void add_completion(CommandLine& line) {
  auto kind = std::make_shared<std::string>();
  Subcommand command(line, "completion", "print the completions of a shell, or the manual page", completion_footer);
  command.heading("Arguments");
  command.option("KIND", kind.get(), "bash|zsh|fish|man", "for what")
      .check(one_of({"bash", "zsh", "fish", "man"}))
      .required();
  command.runs([&line, kind] { return print(line.help(), *kind); });
}

}  // namespace giemsa
