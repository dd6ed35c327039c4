#include "tools/cli/command.h"

namespace giemsa {

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

}  // namespace giemsa
