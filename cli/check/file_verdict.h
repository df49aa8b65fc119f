// What a check says of one file: an object of its report and of --json (docs/check.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
  kPixelsLost,  // the only ones that may be moved or deleted
  kHarmless,    // found by --level strict: no pixel is lost
  kNoVerdict,   // nobody could tell
};
// A code that is not known is no verdict.
VerdictKind KindOf(std::string_view code);

// From a line of verdicts.jsonl, failed.jsonl (whose `reason` is the detail) or a report. kProtocol
// where it is none.
Result<FileVerdict> ReadVerdict(std::string_view line);

// The object on one line, without a newline; `input` is named where it is asked for and known.
std::string VerdictJson(const FileVerdict& verdict, bool with_input);

}  // namespace millrace::cli
