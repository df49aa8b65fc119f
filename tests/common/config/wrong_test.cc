// Every file of wrong/ says itself what must be found in it, on the line where it must be found:
//   key: value  # expect PATH | WHAT | CURE
// or, where the line cannot hold a comment, `# expect@LINE PATH | WHAT | CURE` anywhere. DIR stands
// for the folder. Nothing else may be found.

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "common/config/load.h"
#include "tests/common/config/test_schema.h"

namespace millrace {
namespace {

const std::string kFolder = MILLRACE_SOURCE_DIR "/tests/common/config/wrong";

std::string Trim(std::string text) {
  text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string Lines(std::vector<std::string> lines) {
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : lines) text += "\n" + line;
  return text;
}

// "LINE PATH | WHAT | CURE" of each expected problem.
std::string Expected(const std::string& file) {
  std::vector<std::string> expected;
  std::ifstream stream(file);
  std::string text;
  for (int line = 1; std::getline(stream, text); ++line) {
    const std::size_t at = text.find("# expect");
    if (at == std::string::npos) continue;
    std::istringstream rest(text.substr(at + 8));
    int place = line;
    if (rest.peek() == '@') {
      rest.get();
      rest >> place;
    }
    std::string problem;
    std::getline(rest, problem);
    for (std::size_t dir = problem.find("DIR"); dir != std::string::npos;
         dir = problem.find("DIR")) {
      problem.replace(dir, 3, kFolder);
    }
    expected.push_back(std::to_string(place) + " " + Trim(problem));
  }
  return Lines(std::move(expected));
}

std::string Found(const std::string& file) {
  TestContext test;
  test.context.check_files = true;
  const auto topology = CheckTopology(file, test.context);
  std::vector<std::string> found;
  if (topology) return "";
  for (const Problem& problem : topology.error()) {
    CHECK(problem.source == file);
    CHECK((problem.line == 0 || problem.column > 0));
    CHECK(!problem.cure.empty());
    // After the colon speaks the YAML library, each version of it in its own words.
    const std::string what = problem.what.starts_with("not YAML: ") ? "not YAML" : problem.what;
    found.push_back(std::to_string(problem.line) + " " +
                    Trim(problem.path + " | " + what + " | " + problem.cure));
  }
  return Lines(std::move(found));
}

TEST_CASE("each wrong topology gives exactly its problems, with line, path and cure") {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    files.insert(entry.path().string());
  }
  CHECK(files.size() >= 12);
  for (const std::string& file : files) {
    CAPTURE(file);
    const std::string expected = Expected(file);
    CHECK(!expected.empty());
    CHECK(Found(file) == expected);
  }
}

TEST_CASE("a problem reads as file:line:column: path: what; cure") {
  TestContext test;
  const auto topology = LoadTopology(kFolder + "/unknown_option.yaml", test.context);
  REQUIRE(!topology);
  CHECK(topology.error().code == ErrorCode::kUsage);
  CHECK(topology.error().message ==
        kFolder +
            "/unknown_option.yaml:10:7: inference.options.wieghts: unknown key; did you mean "
            "\"weights\"?");
}

TEST_CASE("a missing file is named with the nearest one beside it") {
  const auto topology = LoadTopology(kFolder + "/bad_units.yaml");
  REQUIRE(!topology);
  CHECK(topology.error().code == ErrorCode::kNotFound);
  CHECK(topology.error().message == kFolder +
                                        "/bad_units.yaml: cannot be opened: No such file or "
                                        "directory; did you mean \"" +
                                        kFolder + "/bad_unit.yaml\"?");
}

TEST_CASE("a folder is refused as unreadable") {
  const auto topology = LoadTopology(kFolder);
  REQUIRE(!topology);
  CHECK(topology.error().code == ErrorCode::kUnreadable);
}

TEST_CASE("a file of more than a mebibyte is refused unread") {
  const auto topology = LoadTopology("/dev/zero");
  REQUIRE(!topology);
  CHECK(topology.error().message.find("longer than 1 MiB") != std::string::npos);
}

TEST_CASE("a file with a thousand mistakes gives a hundred problems") {
  std::string text = "version: 1\nname: t\nstages: [{name: a}]\n";
  for (int i = 0; i < 1000; ++i) text += "key" + std::to_string(i) + ": 1\n";
  const auto topology = ParseTopology(text, "t.yaml", {});
  REQUIRE(!topology);
  CHECK(topology.error().size() == 100);
}

}  // namespace
}  // namespace millrace
