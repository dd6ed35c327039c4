#include "tools/cli/arguments.h"

#include <algorithm>
#include <iostream>
#include <string_view>

#include <CLI/CLI.hpp>

namespace giemsa {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The shape of --help: options as we word them, one blank line between groups.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() {
    column_width(28);
    label("Positionals", "Arguments");
    label("Subcommands", "Commands");
    label("SUBCOMMAND", "COMMAND");
  }

  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    return CLI::detail::find_and_replace(CLI::Formatter::make_help(app, std::move(name), mode), "\n\n\n", "\n\n");
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_size() == 0 ? "" : ' ' + option->get_type_name();
  }
};

/// "giemsa comand": CLI11 would call it an unexpected argument.
void check_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  const auto known = app.get_subcommands([&](const CLI::App* command) { return command->get_name() == argv[1]; });
  check(!known.empty(), ErrorKind::usage, "no command '", argv[1], "'; giemsa --help lists them");
}

/// What cannot be understood comes before what is missing.
[[noreturn]] void fail_parse(const CLI::App& app, const CLI::ParseError& error) {
  const auto unknown = app.remaining(true);
  const auto chosen = app.get_subcommands();
  fail(ErrorKind::usage, unknown.empty() ? error.what() : cat("unexpected argument '", unknown.front(), "'"),
       " (giemsa ", chosen.empty() ? "" : chosen.front()->get_name() + ' ', "--help explains)");
}

// CLI11 keeps a name with each validator, which it prints nowhere: it holds the choices.
constexpr char between_choices = '\n';

std::string joined(const std::vector<std::string>& choices) {
  return CLI::detail::join(choices, std::string(1, between_choices));
}

std::vector<std::string> choices_of(CLI::Option& option) {
  try {
    const std::string names = option.get_validator(0)->get_name();
    return names.empty() ? std::vector<std::string>() : CLI::detail::split(names, between_choices);
  } catch (const CLI::OptionNotFound&) {
    return {};
  }
}

/// What help() tells of one option; nothing of a hidden one.
std::optional<OptionHelp> help_of(CLI::Option& option) {
  if (option.get_group().empty()) return std::nullopt;
  OptionHelp help;
  for (const std::string& name : option.get_snames()) help.names.push_back('-' + name);
  for (const std::string& name : option.get_lnames()) help.names.push_back("--" + name);
  if (option.get_type_size() != 0) help.value = option.get_type_name();
  if (option.get_positional()) {
    const bool says_more = help.value.find_first_not_of(' ') != std::string::npos;
    help.value = option.get_name(true, false) + (says_more ? ' ' + help.value : "");
  }
  help.help = option.get_description();
  help.heading = option.get_group();
  help.choices = choices_of(option);
  return help;
}

std::vector<OptionHelp> help_of_options(CLI::App& app) {
  std::vector<OptionHelp> options;
  for (CLI::Option* option : app.get_options())
    if (auto help = help_of(*option)) options.push_back(std::move(*help));
  return options;
}

}  // namespace

Check one_of(std::vector<std::string> choices) {
  const auto refuse = [choices](const std::string& value) {
    if (std::find(choices.begin(), choices.end(), value) != choices.end()) return std::string();
    return cat("'", value, "' is none of ", CLI::detail::join(choices, ", "));
  };
  return {refuse, choices};
}

Check number_in(double least, double most) {
  return [least, most](const std::string& text) {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= least && value <= most) return std::string();
    return cat("'", text, "' is no number from ", least, " to ", most);
  };
}

Check number_or_auto(int low, int high) {
  return [low, high](const std::string& text) {
    int value = 0;
    if (text == "auto" || (CLI::detail::lexical_cast(text, value) && value >= low && value <= high))
      return std::string();
    return cat("'", text, "' is neither auto nor a number from ", low, " to ", high);
  };
}

Check between_0_and_1() {
  return [](const std::string& text) {
    float value = 0;
    if (CLI::detail::lexical_cast(text, value) && value > 0 && value < 1) return std::string();
    return cat("'", text, "' is no number between 0 and 1");
  };
}

Check device_name_syntax() {
  const auto refuse = [](const std::string& value) {
    const bool numbered = value.starts_with("cuda:") && all_digits(std::string_view(value).substr(5));
    if (numbered || value == "auto" || value == "cpu" || value == "cuda") return std::string();
    return cat("'", value, "' is none of auto, cpu, cuda, cuda:N");
  };
  return {refuse, {"auto", "cpu", "cuda"}};
}

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::check(Check check) {
  option_->check(CLI::Validator(std::move(check.refuse), "", joined(check.choices)));
  return *this;
}

Option& Option::excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

Option& Option::needs(const Option& other) {
  option_->needs(other.option_);
  return *this;
}

Option& Option::delimiter(char between_values) {
  option_->delimiter(between_values);
  return *this;
}

Option& Option::takes(int values) {
  option_->expected(values);
  return *this;
}

Option& Option::takes_one_each_time() {
  option_->allow_extra_args(false);
  return *this;
}

Option& Option::hidden() {
  option_->group("");
  return *this;
}

bool Option::is_given() const {
  return option_->count() > 0;
}

Subcommand::Subcommand(CommandLine& line, const char* name, const char* summary, const std::string& footer)
    : line_(line), app_(*line.app_->add_subcommand(name, summary)) {
  app_.footer(footer);
  app_.group("Commands");
}

Option Subcommand::option(const char* names, Target target, const char* value, const std::string& help) {
  CLI::Option* option = std::visit(
      [&]<class Place>(const Place& place) {
        if constexpr (std::is_pointer_v<Place>)
          return app_.add_option(names, *place, help);
        else
          return app_.add_option_function<std::string>(names, place, help);
      },
      target);
  option->type_name(value);
  if (heading_) option->group(heading_);
  return Option(option);
}

Option Subcommand::flag(const char* names, bool& target, const char* help) {
  CLI::Option* option = app_.add_flag(names, target, help);
  if (heading_) option->group(heading_);
  return Option(option);
}

void Subcommand::runs(std::function<Exit()> action) {
  app_.callback([&chosen = line_.action_, action = std::move(action)] { chosen = action; });
}

CommandLine::CommandLine(const char* name, const char* description, const char* footer)
    : app_(std::make_unique<CLI::App>(description, name)) {
  app_->footer(footer);
  app_->set_help_flag("-h,--help", "print this help");
  app_->set_version_flag("--version", cat(name, ' ', GIEMSA_VERSION), "print the version");
  app_->formatter(std::make_shared<HelpFormatter>());
  app_->require_subcommand(1);
}

CommandLine::~CommandLine() = default;

ProgramHelp CommandLine::help() const {
  ProgramHelp program{app_->get_name(), GIEMSA_VERSION, app_->get_description(), app_->get_footer(),
                      help_of_options(*app_), {}};
  for (CLI::App* command : app_->get_subcommands([](CLI::App*) { return true; }))
    program.commands.push_back(
        {command->get_name(), command->get_description(), command->get_footer(), help_of_options(*command)});
  return program;
}

Exit CommandLine::run(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << app_->help();
    return Exit::usage;
  }
  check_command(*app_, argc, argv);
  try {
    app_->parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << app_->help();
    return Exit::ok;
  } catch (const CLI::CallForVersion& version) {
    std::cout << version.what() << '\n';
    return Exit::ok;
  } catch (const CLI::ParseError& error) {
    fail_parse(*app_, error);
  }
  return action_();
}

}  // namespace giemsa
