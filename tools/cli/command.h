// What the subcommands of `giemsa` share: how they are added, how they end, how they check options.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/base/check.h"

namespace giemsa {

/// The process's exit code; part of the contract with scripts.
enum class Exit : int {
  ok = 0,
  images_failed = 1,  ///< some of them; the others are done. `compare`: the results differ
  usage = 2,
  model = 3,
  device = 4,
  output = 5,
  interrupted = 130,  ///< by Ctrl-C, as shells have it; what was done by then is written
  internal = 70,      ///< a defect of ours (sysexits' EX_SOFTWARE)
};

Exit exit_for(ErrorKind kind);

/// What a chosen subcommand does.
using Action = std::function<Exit()>;

// Each adds its subcommand to `app` and has it set `action`.
void add_run(CLI::App& app, Action& action);
void add_eval(CLI::App& app, Action& action);
void add_bench(CLI::App& app, Action& action);
void add_trace(CLI::App& app, Action& action);
void add_convert(CLI::App& app, Action& action);
void add_calibrate(CLI::App& app, Action& action);
void add_inspect(CLI::App& app, Action& action);
void add_compare(CLI::App& app, Action& action);
void add_tune(CLI::App& app, Action& action);
void add_devices(CLI::App& app, Action& action);

/// The shape of --help: options as we word them, one blank line between groups.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
};

/// Accepts one of `choices`; the refusal lists them.
CLI::Validator one_of(std::vector<std::string> choices);

/// Accepts a number from `least` to `most`.
CLI::Validator number_in(double least, double most);

/// Accepts a number above 0 and below 1, in single precision too.
CLI::Validator between_0_and_1();

/// Accepts "auto", "cpu", "cuda", "cuda:N".
CLI::Validator device_name_syntax();

}  // namespace giemsa
