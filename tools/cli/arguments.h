// The command line: subcommands, their options, and what the value of an option has to be. A thin layer over CLI11,
// whose header takes longer to compile than most of our sources: arguments.cpp alone includes it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tools/cli/command.h"
#include "tools/cli/help_pages.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace giemsa {

/// What the value of an option has to be.
struct Check {
  /// `refusal` says why a value is refused, or nothing. `values` are some that are not, for completions to offer.
  template <class Refusal>
    requires std::is_invocable_r_v<std::string, Refusal, const std::string&>
  Check(Refusal refusal, std::vector<std::string> values = {})
      : refuse(std::move(refusal)), choices(std::move(values)) {}

  std::function<std::string(const std::string& value)> refuse;
  std::vector<std::string> choices;
};

/// Accepts one of `choices`; the refusal lists them.
Check one_of(std::vector<std::string> choices);

/// Accepts a number from `least` to `most`.
Check number_in(double least, double most);

/// Accepts a number above 0 and below 1, in single precision too.
Check between_0_and_1();

/// Accepts a whole number within the limits, and "auto".
Check number_or_auto(int low, int high);

/// Accepts "auto", "cpu", "cuda", "cuda:N".
Check device_name_syntax();

/// An option of a subcommand; copies stand for the same one.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option& required();
  Option& check(Check check);
  Option& excludes(const Option& other);
  Option& needs(const Option& other);
  Option& delimiter(char between_values);
  Option& takes(int values);
  Option& takes_one_each_time();  ///< may be given several times; what follows its value is an argument again
  Option& hidden();               ///< --help does not list it

  /// Whether the command line has it; known once that is parsed.
  bool is_given() const;

 private:
  CLI::Option* option_;
};

/// Where an option's value goes, which holds the default; or what reads it.
using Target = std::variant<std::string*, int*, std::int64_t*, std::size_t*, float*, double*, std::optional<double>*,
                            std::vector<std::string>*, std::vector<int>*, std::function<void(const std::string&)>>;

class CommandLine;

/// A subcommand. Options come in the order in which --help lists them, each below the last heading.
class Subcommand {
 public:
  Subcommand(CommandLine& line, const char* name, const char* summary, const std::string& footer);

  /// Heading, in --help, of the options that follow.
  void heading(const char* text) { heading_ = text; }

  /// `names`: "-o,--out", or "INPUT" for an argument by position. `value`: what stands for it in --help.
  Option option(const char* names, Target target, const char* value, const std::string& help);
  Option flag(const char* names, bool& target, const char* help = "");

  /// What the subcommand does once its options are parsed.
  void runs(std::function<Exit()> action);

 private:
  CommandLine& line_;
  CLI::App& app_;
  const char* heading_ = nullptr;
};

/// A program with subcommands.
class CommandLine {
 public:
  CommandLine(const char* name, const char* description, const char* footer);
  ~CommandLine();

  /// Does what the command line says: prints help or version, or runs a subcommand. Throws Error(usage) where it cannot
  /// be understood.
  Exit run(int argc, char** argv);

  /// What --help tells of every command.
  ProgramHelp help() const;

 private:
  friend class Subcommand;
  std::unique_ptr<CLI::App> app_;
  std::function<Exit()> action_;
};

}  // namespace giemsa
