#include "broker/sorted_spool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <random>

using namespace millrace;

namespace {

std::vector<std::string> Lines(SortedSpool& spool) {
  std::vector<std::string> lines;
  const Result<void> read = spool.ForEach([&](std::string_view line) -> Result<void> {
    lines.emplace_back(line);
    return {};
  });
  REQUIRE(read);
  return lines;
}

std::string TemporaryFolder() { return std::filesystem::temp_directory_path().string(); }

}  // namespace

TEST_CASE("lines come out in the order of their keys, in memory and beyond it") {
  for (const std::size_t buffer : {std::size_t{1} << 20, std::size_t{500}}) {
    SortedSpool spool(TemporaryFolder(), buffer);
    std::vector<std::string> expected;
    std::mt19937 random(7);
    for (int i = 0; i < 2000; ++i) {
      const std::string key = std::to_string(random());
      REQUIRE(spool.Add(key, "line " + key));
      expected.push_back("line " + key);
    }
    std::sort(expected.begin(), expected.end());
    CHECK(Lines(spool) == expected);
    CHECK(spool.size() == 2000);
  }
}

TEST_CASE("equal keys come out in the order of coming, across stretches too") {
  SortedSpool spool(TemporaryFolder(), 200);
  for (int i = 0; i < 50; ++i) REQUIRE(spool.Add("same", std::to_string(i)));
  const std::vector<std::string> lines = Lines(spool);
  REQUIRE(lines.size() == 50);
  for (int i = 0; i < 50; ++i) CHECK(lines[static_cast<std::size_t>(i)] == std::to_string(i));
}

TEST_CASE("keys and lines may hold any bytes, and be longer than a buffer") {
  SortedSpool spool(TemporaryFolder(), 100);
  const std::string huge(200'000, '\n');
  REQUIRE(spool.Add(std::string("b\0\xff", 3), huge));
  REQUIRE(spool.Add("a", ""));
  CHECK(Lines(spool) == std::vector<std::string>{"", huge});
}

TEST_CASE("an error of the reader ends the reading") {
  SortedSpool spool(TemporaryFolder());
  REQUIRE(spool.Add("a", "a"));
  REQUIRE(spool.Add("b", "b"));
  int lines = 0;
  CHECK_FALSE(spool.ForEach([&](std::string_view) -> Result<void> {
    ++lines;
    return Fail(ErrorCode::kWriteFailed, "full");
  }));
  CHECK(lines == 1);
}

TEST_CASE("a spool that cannot have its file says so") {
  SortedSpool spool("/nonexistent/folder", 10);
  const Result<void> added = spool.Add("key that is long", "line");
  REQUIRE_FALSE(added);
  CHECK(added.error().message.find("/nonexistent/folder") != std::string::npos);
}
