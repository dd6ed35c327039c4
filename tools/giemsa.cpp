// The command `giemsa`: picks the subcommand and turns whatever goes wrong into one line and an exit code.
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <system_error>

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

/// Threads of libgomp that wait for each other spin 300,000 turns before they sleep, which on a machine busy with other
/// work makes everything wait many times over. 10,000 turns still outlast what lies between two layers; 1,000 do not.
/// The library reads its environment when it is loaded, before main: hence the second start, which takes 5 ms.
void bound_spinning(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  setenv("GOMP_SPINCOUNT", "10000", 1);
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) execv(self.c_str(), argv);  // returns only where it fails; then threads wait as they always did
}

Exit parse_and_run(int argc, char** argv) {
  CommandLine line("giemsa", description, footer);
  for (auto add : {add_run, add_eval, add_bench, add_trace, add_convert, add_adapt, add_calibrate, add_inspect, add_compare,
                   add_tune, add_devices, add_selftest, add_completion})
    add(line);
  if (argc > 1 && argv[1][0] != '-') bound_spinning(argv);
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
