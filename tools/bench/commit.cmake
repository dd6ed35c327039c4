# cmake -DSOURCE=DIR -DOUTPUT=FILE -P commit.cmake: writes a source that defines giemsa::bench::commit. Run at every
# build, since no file that a build system could watch changes with the commit alone; what did not change is not rebuilt.
find_package(Git QUIET)
set(commit "")
if(GIT_FOUND AND EXISTS ${SOURCE}/.git)
  execute_process(COMMAND ${GIT_EXECUTABLE} --no-optional-locks describe --always --dirty --abbrev=12
                  WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(commit STREQUAL "")
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[
#include "tools/bench/commit.h"

const char* const giemsa::bench::commit = "@commit@";
]])
