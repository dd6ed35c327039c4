// The subcommands of `giemsa`, and how they end.
#pragma once

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

class CommandLine;

// Each adds its subcommand.
void add_run(CommandLine& line);
void add_eval(CommandLine& line);
void add_bench(CommandLine& line);
void add_trace(CommandLine& line);
void add_convert(CommandLine& line);
void add_adapt(CommandLine& line);
void add_calibrate(CommandLine& line);
void add_inspect(CommandLine& line);
void add_compare(CommandLine& line);
void add_tune(CommandLine& line);
void add_devices(CommandLine& line);
void add_selftest(CommandLine& line);
void add_completion(CommandLine& line);

}  // namespace giemsa
