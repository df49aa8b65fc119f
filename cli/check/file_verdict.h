// What a check says of one file: an object of its report and of --json (docs/check.md).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/result.h"

namespace millrace::cli {

struct FileVerdict {
  std::string path;    // bytes, relative to `input`
  std::string input;   // absolute, a folder; "" where it was not said
  std::string code;    // "ok", or a code of docs/check.md
  std::string detail;  // a sentence; "" for ok
  std::string format;  // "" where no signature was known
  std::optional<std::int64_t> bytes;
  std::optional<std::int64_t> mtime_ns;
  std::optional<std::int64_t> offset;
  std::optional<double> lost;  // share of the pixels, 0 to 1

  friend bool operator==(const FileVerdict&, const FileVerdict&) = default;
};

enum class VerdictKind {
  kOk,
  kPixelsLost,  // by proof: the only ones that may be moved or deleted unasked
  kNoPicture,   // the content is of another kind than the name says
  kSigns,       // of damage, though every pixel decodes
  kHarmless,    // found by --level strict: no pixel is lost
  kNotRead,     // of a kind that this build does not read, or not in full
  kNoVerdict,   // nobody could tell
};
// A code that is not known is no verdict.
VerdictKind KindOf(std::string_view code);

// Whether a file of this code counts as broken, for the exit status. What is no proof of damage,
// and no failure to read the file, counts at level strict alone.
bool CountsAsBroken(std::string_view code, bool strict);

// What may be moved or deleted: files that have lost pixels by proof, and those of the codes that
// the person has named beside (kAlsoCodes).
class ActRule {
 public:
  ActRule() = default;
  explicit ActRule(std::set<std::string> also) : also_(std::move(also)) {}
  [[nodiscard]] bool Allows(std::string_view code) const;

 private:
  std::set<std::string> also_;
};
inline const std::set<std::string> kAlsoCodes = {"not-an-image"};

// From a line of verdicts.jsonl, failed.jsonl (whose `reason` is the detail) or a report. kProtocol
// where it is none.
Result<FileVerdict> ReadVerdict(std::string_view line);

// The last line of a report whose check did not come to its end, and whether a line is one.
std::string IncompleteJson(std::string_view reason);
bool IsIncompleteJson(std::string_view line);

// The object on one line, without a newline; `input` is named where it is asked for and known.
std::string VerdictJson(const FileVerdict& verdict, bool with_input);

}  // namespace millrace::cli
