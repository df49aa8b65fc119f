// Moves back what a quarantine has taken.
#pragma once

#include <string>

#include "cli/check/manifest.h"
#include "cli/check/move_file.h"
#include "cli/check/verify_target.h"

namespace millrace::cli {

// Moves the file of this record from the manifest's folder to where it was, with the time of last
// change that it had; never over another file. kGone where nothing was moved, or it is back.
ActResult MoveBack(
    const std::string& folder, const MoveRecord& record,
    const OnStep& on_step = [](std::string_view) {});

// What MoveBack would do, without doing it.
ActResult DryRunRestore(const std::string& folder, const MoveRecord& record);

}  // namespace millrace::cli
