// What is said of a file: one JSON object, a line of verdicts.jsonl (docs/check.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/image/inspect.h"

namespace millrace {

// The name of the record: OUTPUT/.millrace/verdicts.jsonl.
inline constexpr const char* kVerdictsRecord = "verdicts";

struct Verdict {
  std::string path;  // bytes, relative to the run's input
  std::optional<ImageFormat> format;
  std::optional<Finding> finding;        // nothing: ok
  std::optional<std::int64_t> bytes;     // of the file
  std::optional<std::int64_t> mtime_ns;  // since 1970
};

// {"path": "a.jpg", "code": "truncated", "detail": "…", "format": "jpeg", "bytes": 4711,
//  "mtime_ns": …, "offset": 4000, "lost": 0.25}: of code "ok" without detail, offset and lost; what
// is not known is left out. The path as common/base/json_text.h writes bytes.
std::string VerdictLine(const Verdict& verdict);

}  // namespace millrace
