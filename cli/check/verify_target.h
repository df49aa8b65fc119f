// A file that a verdict names, as it is just before something is done with it.
#pragma once

#include <string>

#include "cli/check/file_verdict.h"
#include "common/os/dir_entry.h"

namespace millrace::cli {

// What became of a file that was to be moved, deleted or moved back.
enum class ActionResult {
  kDone,
  kGone,       // it is not there any more
  kLeftAlone,  // it is not the file that was judged, or its place is taken
  kFailed,
};
struct ActResult {
  ActionResult what = ActionResult::kDone;
  std::string text;  // what was done, or why not
};

struct VerifiedTarget {
  DirEntry place;
  FileStamp stamp;
};

// Why it is not to be touched, else the file: one whose code the rule allows, a regular one, of the
// size and time of last change that it was judged by, and not of a kind that we do not read
// (unread_family.h), whatever an older millrace said of it. An `empty` one that was not opened has
// no time: it must still be empty.
tl::expected<VerifiedTarget, ActResult> VerifyTarget(const FileVerdict& verdict,
                                                     const ActRule& rule = {});

// "cannot delete it: ERRNO", kFailed; kGone where the errno says that it is missing.
ActResult CannotAct(const char* what, int error_number);

}  // namespace millrace::cli
