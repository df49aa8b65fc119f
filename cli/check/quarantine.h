// Moves broken files into a folder, where they keep their relative paths, and writes down where
// they came from (manifest.h).
#pragma once

#include <map>
#include <set>
#include <string>

#include "cli/check/file_verdict.h"
#include "cli/check/manifest.h"
#include "cli/check/move_file.h"
#include "cli/check/verify_target.h"

namespace millrace::cli {

// Where a quarantine has the files of each of these INPUTs: "" for a single one, else a folder
// each, named like the INPUT and told apart by a number.
std::map<std::string, std::string> QuarantineFolders(const std::set<std::string>& inputs);

class Quarantine {
 public:
  // `folders` as above, with every input that Move is going to see. Made where it is missing.
  static Result<Quarantine> Open(
      const std::string& folder, std::map<std::string, std::string> folders,
      OnStep on_step = [](std::string_view) {});

  // Moves the file unless the rule does not allow it or it has changed since it was judged.
  // Overwrites nothing: where the name is taken, by another file, a number is put into it. An error
  // where the manifest cannot be written, and nothing can be moved any more.
  Result<ActResult> Move(const FileVerdict& verdict, const ActRule& rule = {});

  [[nodiscard]] const std::string& manifest() const { return manifest_.path(); }

 private:
  Quarantine(std::string folder, std::map<std::string, std::string> folders, OnStep on_step,
             Manifest manifest);
  // One attempt, under this name in the quarantine; nothing where that is taken.
  Result<std::optional<ActResult>> MoveTo(const std::string& to, const FileVerdict& verdict,
                                          const VerifiedTarget& file);

  std::string folder_;
  std::map<std::string, std::string> folders_;  // by INPUT
  OnStep on_step_;
  Manifest manifest_;
};

// "a/b.jpg" and 2 make "a/b.2.jpg"; 0 leaves it as it is.
std::string NumberedName(const std::string& path, int number);

}  // namespace millrace::cli
