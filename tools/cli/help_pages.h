// The manual page and the shells' completions of a command line, from its own definitions of commands and options.
#pragma once

#include <string>
#include <vector>

namespace giemsa {

/// An option, or an argument by position.
struct OptionHelp {
  std::vector<std::string> names;    ///< "-o", "--out"; of an argument by position none
  std::string value;                 ///< what stands for its value in --help; empty: a flag
  std::string help, heading;         ///< as --help has them
  std::vector<std::string> choices;  ///< values that can be offered; empty: not known
};

struct CommandHelp {
  std::string name, summary, footer;
  std::vector<OptionHelp> options;
};

struct ProgramHelp {
  std::string name, version, description, footer;
  std::vector<OptionHelp> options;  ///< outside commands
  std::vector<CommandHelp> commands;
};

/// A manual page of section 1, in roff.
std::string man_page(const ProgramHelp& program);

/// Scripts as the shells' packages install them.
std::string bash_completion(const ProgramHelp& program);
std::string zsh_completion(const ProgramHelp& program);
std::string fish_completion(const ProgramHelp& program);

}  // namespace giemsa
