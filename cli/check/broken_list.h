// From a report of `millrace check` to what `millrace run --skip-broken` leaves out.
#pragma once

#include <string>

#include "common/base/result.h"

namespace millrace::cli {

// Writes the files of `input`, an absolute folder, that the report says have lost pixels, or are no
// pictures, to `list_file`, for the scanner (stages/scanner/known_broken.h). The report may be of
// this folder, of one in it, or of one above it. kUsage where it is of none of these; else as
// ForEachVerdictOfReport.
Result<void> WriteBrokenList(const std::string& report, const std::string& input,
                             const std::string& list_file);

}  // namespace millrace::cli
