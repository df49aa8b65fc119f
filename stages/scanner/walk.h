// A resumable walk over a tree of any size: depth first, each directory's names in the order of
// their bytes, so that keys come in strictly increasing order where "/" is the smallest byte.
//
// Only names are held: those of the directory being read, and those of the directories above it up
// to kHeldNamesBytes together; what is dropped is read again when the walk comes back. Entries
// added or deleted meanwhile are seen or not, and harm nothing.
//
// Left out without a word: OUTPUT, and directories named ".millrace". What is no picture of
// anybody's is skipped (default_excludes.h). A directory that cannot be read is one failed item
// under its own path, and the walk goes on. A directory that a link leads back to from inside
// itself is skipped as "symlink-loop", and so is a link below kMaxLinks others.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stages/scanner/classify.h"
#include "stages/scanner/directory_names.h"
#include "stages/scanner/glob.h"
#include "stages/scanner/input_tree.h"
#include "stages/scanner/source.h"

namespace millrace {

// What is looked at, apart from what it is.
struct Filters {
  std::vector<Glob> include;  // none: everything
  std::vector<Glob> exclude;
  bool default_excludes = true;  // of folders (default_excludes.h); of files, `look` says it
  Look look;

  [[nodiscard]] bool LeavesOutFile(std::string_view key) const {
    return AnyCovers(exclude, key, false) || (!include.empty() && !AnyCovers(include, key, false));
  }
  [[nodiscard]] bool LeavesOutDirectory(std::string_view key) const {
    return AnyCovers(exclude, key, true);
  }
};

class Walk final : public Source {
 public:
  static constexpr std::size_t kHeldNamesBytes = std::size_t{32} << 20;
  // Links between the directories of one path: two directories that link to each other's siblings
  // have as many paths as there are orders of them.
  static constexpr int kMaxLinks = 8;

  // `position` is "" for the start, or what Position() of an earlier walk gave. `tree` and
  // `filters` must outlive the walk.
  Walk(const InputTree& tree, const Filters& filters, std::string position,
       std::size_t held_names_bytes = kHeldNamesBytes);

  // An error where INPUT itself cannot be read.
  Result<bool> Next(Visit& visit) override;
  // The last path visited; with a slash at its end where it is a directory that was entered and
  // nothing in it has been visited.
  [[nodiscard]] std::string Position() const override { return position_; }
  [[nodiscard]] std::size_t HeldBytes() const override;

 private:
  struct Frame {
    std::string key;  // of the directory; "" for INPUT
    DirectoryNames names;
    std::size_t next = 0;
    DirectoryId id;
    int links = 0;         // that led here
    std::string last;      // the last name visited, where `dropped`
    bool dropped = false;  // `names` were given up, and are to be read again
  };
  enum class Opened { kEntered, kGone, kLoop, kOutput, kOtherOutput, kFailed };

  // Opens the directory and reads its names into a new frame on top. `error` is set with kFailed,
  // and also with kEntered where some names could not be read.
  Opened Enter(std::string key, bool through_link, int& error);
  // Fills `visit` for the name at the top frame's place; false where it is gone or left out.
  bool VisitName(const DirectoryNames::Name& name, Visit& visit);
  bool VisitDirectory(std::string key, bool through_link, Visit& visit);
  void DropNamesOverBudget();
  // Reads dropped names again. False, with the failure in `visit`, where that cannot be done; a
  // directory that is gone or another by now has no more names.
  bool Reload(Frame& frame, Visit& visit);

  const InputTree& tree_;
  const Filters& filters_;
  const std::size_t held_names_bytes_;
  std::vector<Frame> frames_;
  bool started_ = false;
  std::string position_;
  std::optional<std::string> resume_;  // what is left to seek: a path relative to the top frame
};

}  // namespace millrace
