#include <doctest/doctest.h>

#include "cli/check/broken_list.h"
#include "stages/scanner/known_broken.h"
#include "tests/cli/temp_folder.h"

namespace millrace::cli {
namespace {

std::string Line(const std::string& input, const std::string& path, const std::string& code) {
  return R"({"path": ")" + path + R"(", "input": ")" + input + R"(", "code": ")" + code +
         R"(", "bytes": 5, "mtime_ns": 7})"
         "\n";
}

// The list that the report makes for INPUT.
KnownBroken ListFor(const TempFolder& folder, const std::string& input, const std::string& report) {
  REQUIRE(WriteBrokenList(folder.Write("report", report), input, folder / "list"));
  return KnownBroken::Load(folder / "list").value();
}

TEST_CASE("only what has lost pixels is left out") {
  const TempFolder folder;
  const std::string input = folder / "photos";
  const KnownBroken list =
      ListFor(folder, input,
              Line(input, "a.jpg", "ok") + Line(input, "b.jpg", "truncated") +
                  Line(input, "c.jpg", "trailing-data") + Line(input, "d.jpg", "timeout"));
  CHECK(list.Covers("b.jpg", 5, 7));
  for (const char* path : {"a.jpg", "c.jpg", "d.jpg"}) CHECK_FALSE(list.Covers(path, 5, 7));
}

TEST_CASE("a report of a folder above INPUT or in it counts too") {
  const TempFolder folder;
  const std::string all = folder / "all";
  const KnownBroken inner =
      ListFor(folder, all + "/2024",
              Line(all, "2024/a.jpg", "corrupt") + Line(all, "2025/b.jpg", "corrupt"));
  CHECK(inner.Covers("a.jpg", 5, 7));
  CHECK_FALSE(inner.Covers("b.jpg", 5, 7));
  const KnownBroken outer = ListFor(folder, all, Line(all + "/2024", "a.jpg", "corrupt"));
  CHECK(outer.Covers("2024/a.jpg", 5, 7));
}

TEST_CASE("a report of other folders is refused, an empty one is not") {
  const TempFolder folder;
  const auto written = WriteBrokenList(folder.Write("report", Line("/other", "a.jpg", "corrupt")),
                                       folder / "photos", folder / "list");
  REQUIRE_FALSE(written);
  CHECK(written.error().code == ErrorCode::kUsage);
  CHECK(WriteBrokenList(folder.Write("report", ""), folder / "photos", folder / "list"));
}

}  // namespace
}  // namespace millrace::cli
