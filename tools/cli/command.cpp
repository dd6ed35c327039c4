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
    case ErrorKind::device_lost:
      return Exit::device;
    case ErrorKind::output:
      return Exit::output;
    case ErrorKind::memory:
    case ErrorKind::cancelled:
    case ErrorKind::internal:
      break;
  }
  return Exit::internal;
}

}  // namespace giemsa
