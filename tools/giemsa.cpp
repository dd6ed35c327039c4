// The command `giemsa`: picks the subcommand and turns whatever goes wrong into one line and an exit code.
#include <exception>
#include <iostream>
#include <new>

#include "tools/cli/arguments.h"
#include "tools/cli/messages.h"

namespace {

using namespace giemsa;

constexpr const char* description = "Finds and names the white blood cells in blood-smear images. Research use only.";

constexpr const char* footer = R"(Examples:
  giemsa run smear.png                      a table of its cells
  giemsa run images/ --out results/         tables, label images and overlays of a folder
  giemsa run images/ --json | jq .images    results for another program
  giemsa run --help                         every option of a command

Exit codes:
  0 all done   1 some images failed (the others are done)   2 usage
  3 a model file cannot be used   4 the device cannot be used   5 output cannot be written   130 interrupted)";

Exit parse_and_run(int argc, char** argv) {
  CommandLine line("giemsa", description, footer);
  for (auto add : {add_run, add_eval, add_bench, add_trace, add_convert, add_adapt, add_calibrate, add_inspect,
                   add_compare, add_tune, add_devices, add_selftest, add_completion})
    add(line);
  return line.run(argc, argv);
}

Exit guarded(int argc, char** argv) {
  try {
    const Exit code = parse_and_run(argc, argv);
    check_stdout();
    return code;
  } catch (const Error& error) {
    print_error(error);
    return exit_for(error.kind());
  } catch (const std::bad_alloc&) {
    print_error("out of memory");
    return Exit::internal;
  } catch (const std::exception& error) {
    print_error(cat("internal: ", error.what()));
    return Exit::internal;
  }
}

}  // namespace

int main(int argc, char** argv) {
  return static_cast<int>(guarded(argc, argv));
}
