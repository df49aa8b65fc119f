#include "cli/check/deletion.h"

#include <unistd.h>

#include <cerrno>

namespace millrace::cli {

ActResult DeleteFile(const FileVerdict& verdict, const ActRule& rule) {
  const auto file = VerifyTarget(verdict, rule);
  if (!file) return file.error();
  if (unlinkat(file->place.folder.get(), file->place.name.c_str(), 0) != 0) {
    return CannotAct("delete", errno);
  }
  return {ActionResult::kDone, "deleted"};
}

}  // namespace millrace::cli
