#include "tools/cli/help_pages.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>
#include <string_view>

namespace giemsa {

namespace {

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(between)) + word;
  return text;
}

/// `text` with `before` in front of each of `characters`.
std::string escaped(std::string_view text, std::string_view characters, std::string_view before) {
  std::string result;
  for (const char c : text) {
    if (characters.find(c) != std::string_view::npos) result += before;
    result += c;
  }
  return result;
}

/// Within single quotes of a shell.
std::string in_single_quotes(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + '\'';
}

/// Whether files and folders can be offered where a value called `name` is due.
bool may_be_path(std::string_view name) {
  constexpr std::array<std::string_view, 5> paths{"FILE", "DIR", "OUT", "GOLDEN", "BASELINE"};
  return std::ranges::any_of(paths, [name](std::string_view path) { return name.starts_with(path); });
}

bool is_argument(const OptionHelp& option) {
  return option.names.empty();
}

// ---- roff

/// Text of a line: a backslash and a hyphen are themselves, and no line is taken for a request.
std::string roff(std::string_view text) {
  std::string result;
  for (const char c : text)
    result += c == '\\' ? std::string("\\e") : c == '-' ? std::string("\\-") : std::string(1, c);
  return result.starts_with('.') || result.starts_with('\'') ? "\\&" + result : result;
}

void put_options(std::ostream& out, const std::vector<OptionHelp>& options) {
  std::string heading;
  for (const OptionHelp& option : options) {
    if (option.heading != heading) out << ".PP\n.I " << roff(option.heading) << '\n';
    heading = option.heading;
    out << ".TP\n";
    for (const std::string& name : option.names)
      out << (&name == &option.names.front() ? "" : ", ") << "\\fB" << roff(name) << "\\fR";
    if (!option.value.empty()) out << (is_argument(option) ? "" : " ") << "\\fI" << roff(option.value) << "\\fR";
    out << '\n' << roff(option.help.empty() ? "see above" : option.help) << '\n';
  }
}

/// As it stands, line by line.
void put_verbatim(std::ostream& out, const std::string& text) {
  out << ".PP\n.nf\n";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out << roff(line) << '\n';
  out << ".fi\n";
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

// ---- shells

std::string bash_words(const std::vector<OptionHelp>& options) {
  std::string words;
  for (const OptionHelp& option : options)
    for (const std::string& name : option.names) words += (words.empty() ? "" : " ") + name;
  return words;
}

/// A branch of `case $previous`: what follows an option that takes a value.
void put_bash_value(std::ostream& out, const OptionHelp& option) {
  if (is_argument(option) || option.value.empty()) return;
  if (!option.choices.empty())
    out << "        " << joined(option.names, "|") << ") mapfile -t COMPREPLY < <(compgen -W "
        << in_single_quotes(joined(option.choices, " ")) << " -- \"$current\"); return ;;\n";
  else if (may_be_path(option.value))
    out << "        " << joined(option.names, "|") << ") return ;;\n";
  else
    out << "        " << joined(option.names, "|") << ") compopt +o default 2>/dev/null; return ;;\n";
}

/// What zsh's _arguments takes for one name of an option.
std::string zsh_argument(const OptionHelp& option, const std::string& name) {
  const std::string help = '[' + escaped(option.help, "[]:\\", "\\") + ']';
  if (option.value.empty()) return in_single_quotes(name + help);
  const std::string action = !option.choices.empty()     ? '(' + joined(option.choices, " ") + ')'
                             : may_be_path(option.value) ? "_files"
                                                         : " ";
  return in_single_quotes(name + help + ':' + escaped(option.value, ":\\", "\\") + ':' + action);
}

void put_fish_option(std::ostream& out, const std::string& program, const std::string& condition,
                     const OptionHelp& option) {
  if (is_argument(option)) return;
  out << "complete -c " << program << " -n " << in_single_quotes(condition);
  for (const std::string& name : option.names)
    out << (name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1));
  if (!option.choices.empty())
    out << " -x -a " << in_single_quotes(joined(option.choices, " "));
  else if (!option.value.empty())
    out << (may_be_path(option.value) ? " -r -F" : " -x");
  if (!option.help.empty()) out << " -d " << in_single_quotes(escaped(option.help, "\\", "\\"));
  out << '\n';
}

}  // namespace

std::string man_page(const ProgramHelp& program) {
  std::ostringstream out;
  out << ".TH " << upper(program.name) << " 1 \"\" \"" << program.name << ' ' << program.version
      << "\" \"User Commands\"\n"
      << ".SH NAME\n"
      << program.name << " \\- " << roff(program.description) << '\n'
      << ".SH SYNOPSIS\n";
  for (const CommandHelp& command : program.commands) {
    out << (&command == &program.commands.front() ? "" : ".br\n") << ".B " << program.name << ' ' << command.name
        << "\n[\\fIOPTION\\fR]...";
    for (const OptionHelp& option : command.options)
      if (is_argument(option)) out << " \\fI" << roff(option.value) << "\\fR";
    out << '\n';
  }
  out << ".SH OPTIONS\n";
  put_options(out, program.options);
  out << ".SH COMMANDS\n";
  for (const CommandHelp& command : program.commands) {
    out << ".SS \"" << program.name << ' ' << command.name << "\"\n" << roff(command.summary) << '\n';
    put_options(out, command.options);
    put_verbatim(out, command.footer);
  }
  out << ".SH EXAMPLES AND EXIT STATUS\n";
  put_verbatim(out, program.footer);
  return std::move(out).str();
}

std::string bash_completion(const ProgramHelp& program) {
  std::ostringstream out;
  std::string commands;
  for (const CommandHelp& command : program.commands) commands += command.name + ' ';
  out << "# Completion of " << program.name << " " << program.version << " for bash; made by `" << program.name
      << " completion bash`.\n"
      << "_" << program.name << "() {\n"
      << "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command='' options='' i\n"
      << "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      << "    [[ ${COMP_WORDS[i]} == -* ]] || { command=${COMP_WORDS[i]}; break; }\n"
      << "  done\n"
      << "  COMPREPLY=()\n"
      << "  case $command in\n"
      << "    '')\n"
      << "      mapfile -t COMPREPLY < <(compgen -W " << in_single_quotes(commands + bash_words(program.options))
      << " -- \"$current\"); return ;;\n";
  for (const CommandHelp& command : program.commands) {
    out << "    " << command.name << ")\n      case $previous in\n";
    for (const OptionHelp& option : command.options) put_bash_value(out, option);
    out << "      esac\n      options=" << in_single_quotes(bash_words(command.options)) << " ;;\n";
  }
  out << "  esac\n"
      << "  # Whatever is no option is a file, which is bash's default.\n"
      << "  [[ $current != -* ]] || mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
      << "}\n"
      << "complete -o default -F _" << program.name << ' ' << program.name << '\n';
  return std::move(out).str();
}

std::string zsh_completion(const ProgramHelp& program) {
  std::ostringstream out;
  out << "#compdef " << program.name << "\n# Completion of " << program.name << ' ' << program.version
      << " for zsh; made by `" << program.name << " completion zsh`.\n"
      << "_" << program.name << "() {\n"
      << "  local -a commands=(\n";
  for (const CommandHelp& command : program.commands)
    out << "    " << in_single_quotes(command.name + ':' + escaped(command.summary, ":\\", "\\")) << '\n';
  out << "  )\n"
      << "  if ((CURRENT == 2)); then\n"
      << "    _describe command commands\n";
  out << "    _arguments";
  for (const OptionHelp& option : program.options)
    for (const std::string& name : option.names) out << ' ' << zsh_argument(option, name);
  out << "\n    return\n  fi\n"
      << "  local command=${words[2]}\n"
      << "  shift words\n"
      << "  ((CURRENT--))\n"
      << "  case $command in\n";
  for (const CommandHelp& command : program.commands) {
    out << "    " << command.name << ")\n      _arguments";
    for (const OptionHelp& option : command.options)
      for (const std::string& name : option.names) out << " \\\n        " << zsh_argument(option, name);
    out << " \\\n        '*:file:_files' ;;\n";
  }
  out << "  esac\n}\n_" << program.name << " \"$@\"\n";
  return std::move(out).str();
}

std::string fish_completion(const ProgramHelp& program) {
  std::ostringstream out;
  out << "# Completion of " << program.name << ' ' << program.version << " for fish; made by `" << program.name
      << " completion fish`.\n";
  for (const CommandHelp& command : program.commands)
    out << "complete -c " << program.name << " -f -n __fish_use_subcommand -a " << command.name << " -d "
        << in_single_quotes(escaped(command.summary, "\\", "\\")) << '\n';
  for (const OptionHelp& option : program.options) put_fish_option(out, program.name, "__fish_use_subcommand", option);
  for (const CommandHelp& command : program.commands)
    for (const OptionHelp& option : command.options)
      put_fish_option(out, program.name, "__fish_seen_subcommand_from " + command.name, option);
  return std::move(out).str();
}

}  // namespace giemsa
