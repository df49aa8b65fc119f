#include <unistd.h>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/terminal.h"

namespace millrace::cli {

int PrintError(const Error& error) {
  Terminal terminal(STDERR_FILENO);
  terminal.Print("millrace: " + error.message);
  return ExitStatusOf(error.code);
}

}  // namespace millrace::cli
