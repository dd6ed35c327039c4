#include "tools/cli/command.h"

#include <algorithm>
#include <string_view>

namespace giemsa {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Exit exit_for(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::image:
      return Exit::images_failed;
    case ErrorKind::usage:
      return Exit::usage;
    case ErrorKind::model:
      return Exit::model;
    case ErrorKind::device:
      return Exit::device;
    case ErrorKind::output:
      return Exit::output;
    case ErrorKind::internal:
      break;
  }
  return Exit::internal;
}

HelpFormatter::HelpFormatter() {
  column_width(28);
  label("Positionals", "Arguments");
  label("Subcommands", "Commands");
  label("SUBCOMMAND", "COMMAND");
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  return CLI::detail::find_and_replace(CLI::Formatter::make_help(app, std::move(name), mode), "\n\n\n", "\n\n");
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  return option->get_type_size() == 0 ? "" : ' ' + option->get_type_name();
}

CLI::Validator one_of(std::vector<std::string> choices) {
  return CLI::Validator(
      [choices](const std::string& value) {
        if (std::find(choices.begin(), choices.end(), value) != choices.end()) return std::string();
        return cat("'", value, "' is none of ", CLI::detail::join(choices, ", "));
      },
      "");
}

CLI::Validator number_in(double least, double most) {
  return CLI::Validator(
      [least, most](const std::string& text) {
        double value = 0;
        if (CLI::detail::lexical_cast(text, value) && value >= least && value <= most) return std::string();
        return cat("'", text, "' is no number from ", least, " to ", most);
      },
      "");
}

CLI::Validator between_0_and_1() {
  return CLI::Validator(
      [](const std::string& text) {
        float value = 0;
        if (CLI::detail::lexical_cast(text, value) && value > 0 && value < 1) return std::string();
        return cat("'", text, "' is no number between 0 and 1");
      },
      "");
}

CLI::Validator device_name_syntax() {
  return CLI::Validator(
      [](const std::string& value) {
        const bool numbered = value.starts_with("cuda:") && all_digits(std::string_view(value).substr(5));
        if (numbered || value == "auto" || value == "cpu" || value == "cuda") return std::string();
        return cat("'", value, "' is none of auto, cpu, cuda, cuda:N");
      },
      "");
}

}  // namespace giemsa
