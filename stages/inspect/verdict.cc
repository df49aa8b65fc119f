#include "stages/inspect/verdict.h"

#include <fmt/format.h>

#include "common/base/json_text.h"

namespace millrace {

std::string VerdictLine(const Verdict& verdict) {
  std::string line = R"({"path": ")" + JsonEscapeBytes(verdict.path) + R"(", "code": ")";
  line += verdict.finding ? ErrorCodeName(verdict.finding->code) : "ok";
  line += '"';
  if (verdict.finding) {
    line += R"(, "detail": ")" + JsonEscapeBytes(verdict.finding->what) + '"';
  }
  if (verdict.format) {
    line += fmt::format(R"(, "format": "{}")", ImageFormatName(*verdict.format));
  }
  if (verdict.bytes) line += fmt::format(R"(, "bytes": {})", *verdict.bytes);
  if (verdict.mtime_ns) line += fmt::format(R"(, "mtime_ns": {})", *verdict.mtime_ns);
  if (verdict.finding && verdict.finding->offset) {
    line += fmt::format(R"(, "offset": {})", *verdict.finding->offset);
  }
  if (verdict.finding && verdict.finding->lost) {
    line += fmt::format(R"(, "lost": {:.4f})", *verdict.finding->lost);
  }
  return line + '}';
}

}  // namespace millrace
