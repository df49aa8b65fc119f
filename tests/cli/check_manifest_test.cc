#include <doctest/doctest.h>

#include "cli/check/manifest.h"
#include "tests/cli/temp_folder.h"

namespace millrace::cli {
namespace {

MoveRecord Record(const std::string& path) {
  return {.input = "/photos",
          .path = path,
          .to = "photos/" + path,
          .code = "truncated",
          .stamp = {.bytes = 12, .mtime_ns = 1'700'000'000'123'456'789}};
}

void Add(const TempFolder& folder, const MoveRecord& record) {
  auto manifest = Manifest::OpenToAdd(folder.path());
  REQUIRE(manifest);
  REQUIRE(manifest->Add(record));
}

std::vector<MoveRecord> Backwards(const TempFolder& folder) {
  std::vector<MoveRecord> records;
  const auto manifest = Manifest::OpenToRead(folder / "manifest.jsonl");
  REQUIRE(manifest);
  REQUIRE(manifest->ForEachBackwards([&](const MoveRecord& record) {
    records.push_back(record);
    return Result<void>();
  }));
  return records;
}

TEST_CASE("what was added comes back, the last first") {
  const TempFolder folder;
  Add(folder, Record("a.jpg"));
  Add(folder, Record("b\xff\n.jpg"));
  CHECK(Backwards(folder) == std::vector{Record("b\xff\n.jpg"), Record("a.jpg")});
}

TEST_CASE("a line that was not written to its end costs no other") {
  const TempFolder folder;
  Add(folder, Record("a.jpg"));
  const std::string path = folder / "manifest.jsonl";
  std::ofstream(path, std::ios::app) << R"({"input": "/photos", "path": "half)";
  CHECK(Backwards(folder) == std::vector{Record("a.jpg")});
  Add(folder, Record("b.jpg"));
  CHECK(Backwards(folder) == std::vector{Record("b.jpg"), Record("a.jpg")});
}

TEST_CASE("one process works with a manifest at a time") {
  const TempFolder folder;
  const auto first = Manifest::OpenToAdd(folder.path());
  REQUIRE(first);
  CHECK(Manifest::OpenToAdd(folder.path()).error().code == ErrorCode::kUnavailable);
  CHECK(Manifest::OpenToRead(first->path()).error().code == ErrorCode::kUnavailable);
}

TEST_CASE("a manifest that another program has given a byte order mark is refused by name") {
  const TempFolder folder;
  Add(folder, Record("a.jpg"));
  std::ifstream in(folder / "manifest.jsonl", std::ios::binary);
  const std::string line{std::istreambuf_iterator<char>(in), {}};
  std::ofstream(folder / "marked.jsonl", std::ios::binary) << "\xef\xbb\xbf" << line;
  const auto marked = Manifest::OpenToRead(folder / "marked.jsonl");
  REQUIRE_FALSE(marked);
  CHECK(marked.error().message.find("/marked.jsonl begins with the byte order mark of UTF-8") !=
        std::string::npos);
}

TEST_CASE("what is no manifest is refused") {
  const TempFolder folder;
  CHECK(Manifest::OpenToRead(folder / "missing").error().code == ErrorCode::kNotFound);
  CHECK(Manifest::OpenToRead(folder.path()).error().code == ErrorCode::kUsage);
  for (const char* bytes : {"some text\nand more\n", "some text", "\n"}) {
    const auto other = Manifest::OpenToRead(folder.Write("other", bytes));
    REQUIRE(other);
    const auto passed = other->ForEachBackwards([](const MoveRecord&) { return Result<void>(); });
    REQUIRE_MESSAGE(!passed, bytes);
    CHECK(passed.error().code == ErrorCode::kUsage);
  }
}

}  // namespace
}  // namespace millrace::cli
