#include "stages/inspect/verdict.h"

#include <doctest/doctest.h>

namespace millrace {
namespace {

TEST_CASE("a sound file's line has what is known of it and no more") {
  Verdict verdict{.path = "a \"b\"\xff.jpg",
                  .format = ImageFormat::kJpeg,
                  .finding = {},
                  .bytes = 4711,
                  .mtime_ns = 1'700'000'000'000'000'001};
  CHECK(VerdictLine(verdict) ==
        R"({"path": "a \"b\"\udcff.jpg", "code": "ok", "format": "jpeg", "bytes": 4711, )"
        R"("mtime_ns": 1700000000000000001})");
}

TEST_CASE("a broken file's line says what, where and how much") {
  Verdict verdict{.path = "a.jpg",
                  .format = ImageFormat::kJpeg,
                  .finding = Finding{ErrorCode::kTruncated, "it ends early", 4000, 0.25},
                  .bytes = 4000,
                  .mtime_ns = 1};
  CHECK(VerdictLine(verdict) ==
        R"({"path": "a.jpg", "code": "truncated", "detail": "it ends early", "format": "jpeg", )"
        R"("bytes": 4000, "mtime_ns": 1, "offset": 4000, "lost": 0.2500})");
}

TEST_CASE("what is not known is left out") {
  Verdict verdict{.path = "a",
                  .format = {},
                  .finding = Finding{ErrorCode::kUnreadable, "no", {}, {}},
                  .bytes = {},
                  .mtime_ns = {}};
  CHECK(VerdictLine(verdict) == R"({"path": "a", "code": "unreadable", "detail": "no"})");
}

}  // namespace
}  // namespace millrace
