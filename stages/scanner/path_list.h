// A list of files instead of a walk: --files-from, and INPUT being one file.
//
// The list may begin with a byte order mark, and may be UTF-16 (text_reader.h). Entries end in a
// newline (or NUL); empty ones are passed over. Of a line that ends in "\r\n" the "\r" is a part of
// the name only where there is a file of that name. An entry is absolute or relative
// to INPUT; "." and ".." are resolved in the text, without looking at links. Its key is its path
// relative to INPUT, so that an entry listed twice, or in two ways, is one item.
//
//   outside INPUT, or through a link that leaves it    skipped "outside-input" under its own text
//   in OUTPUT or a directory ".millrace"               skipped "inside-output"
//   a directory                                        skipped "directory"
//   left out by include or exclude                     skipped "excluded"
//   not there                                          failed kUnreadable
//   .. and not named like an image                     likewise, under its number: "line 3 of the
//                                                      list of files"
//
// What a walk leaves out by default (default_excludes.h) is taken: somebody has named it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/text_reader.h"
#include "stages/scanner/list_file.h"
#include "stages/scanner/source.h"
#include "stages/scanner/walk.h"

namespace millrace {

class PathList final : public Source {
 public:
  // Reads the list at `path` from `position`, which is "" or what Position() gave: a byte offset.
  // As TextReader::Open. `tree` and `filters` must outlive the list.
  static Result<std::unique_ptr<PathList>> Open(const InputTree& tree, const Filters& filters,
                                                const std::string& path, bool nul_separated,
                                                std::string_view position);
  // A list of one key, not filtered.
  static std::unique_ptr<PathList> Only(const InputTree& tree, const Filters& filters,
                                        std::string key, std::string_view position);

  // kUsage for an entry that no path can be (over 4,096 bytes, or holding NUL between newlines):
  // most likely the wrong separator. Likewise for malformed UTF-16.
  Result<bool> Next(Visit& visit) override;
  [[nodiscard]] std::string Position() const override { return std::to_string(offset_); }
  [[nodiscard]] std::size_t HeldBytes() const override { return 0; }

 private:
  PathList(const InputTree& tree, const Filters& filters) : tree_(tree), filters_(filters) {}

  // The next entry that is not empty into `entry`; false at the end.
  Result<bool> ReadEntry(std::string& entry);
  void VisitEntry(std::string entry, Visit& visit);
  void VisitKey(const std::string& entry, Visit& visit);
  void VisitMissing(std::string_view entry, Visit& visit);
  [[nodiscard]] bool IsThere(const std::string& entry) const;
  // Of the entry read last, from 1: its line.
  std::uint64_t EntryNumber();
  // Where the directory that holds the file really lies.
  InputTree::Place PlaceOfParent(std::string_view key);

  const InputTree& tree_;
  const Filters& filters_;
  std::string name_;                // of the list, for messages
  std::optional<TextReader> file_;  // nothing: it is of one key
  char separator_ = '\n';
  std::uint64_t offset_ = 0;  // behind the last entry
  std::uint64_t entry_start_ = 0;
  std::optional<TextReader> counter_;  // of EntryNumber: it has passed these separators
  std::uint64_t counted_separators_ = 0;
  std::string only_;
  // Lists are mostly in order: the last parent directory's place need not be asked again.
  std::string last_parent_;
  InputTree::Place last_place_ = InputTree::Place::kInside;
};

}  // namespace millrace
