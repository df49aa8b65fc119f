// Deletes broken files.
#pragma once

#include "cli/check/file_verdict.h"
#include "cli/check/verify_target.h"

namespace millrace::cli {

// Deletes the file unless the rule does not allow it or it has changed since it was judged.
ActResult DeleteFile(const FileVerdict& verdict, const ActRule& rule = {});

}  // namespace millrace::cli
