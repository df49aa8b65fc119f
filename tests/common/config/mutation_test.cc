#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <vector>

#include "tests/common/config/any_bytes.h"

namespace millrace {
namespace {

// The contents of the files of a folder, in the order of their names.
std::vector<std::string> Files(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(MILLRACE_SOURCE_DIR + folder)) {
    files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::vector<std::string> texts;
  for (const auto& file : files) {
    std::ifstream stream(file);
    std::stringstream text;
    text << stream.rdbuf();
    texts.push_back(text.str());
  }
  return texts;
}

TEST_CASE("every file of the fuzzer's corpus is a topology") {
  const std::vector<std::string> corpus = Files("/tests/fuzz/corpora/topology");
  CHECK(corpus.size() >= 3);
  for (const std::string& text : corpus) {
    CAPTURE(text);
    bool accepted = false;
    CHECK(CheckAnyBytes(text, &accepted) == "");
    CHECK(accepted);
  }
}

TEST_CASE("any bytes give a topology that survives being written and read, or problems") {
  const std::vector<std::string> wrong = Files("/tests/common/config/wrong");
  const std::vector<std::string> right = Files("/tests/fuzz/corpora/topology");
  int topologies = 0;
  std::mt19937_64 random(20240607);
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
  const std::string_view telling = "{}[]&*!|>'\"%@`#,?:-\n \t$~0129.eE+_xKiBms\\\xff\x01";
  for (int i = 0; i < 5000; ++i) {
    const std::vector<std::string>& seeds = i % 4 == 0 ? wrong : right;
    std::string text = seeds[below(seeds.size())];
    for (std::size_t edits = 1 + below(4); edits > 0 && !text.empty(); --edits) {
      const std::size_t at = below(text.size());
      switch (below(5)) {
        case 0:
          text[at] = telling[below(telling.size())];
          break;
        case 1:
          text.insert(at, 1, telling[below(telling.size())]);
          break;
        case 2:
          text.erase(at, 1 + below(8));
          break;
        case 3: {
          const std::string& other = seeds[below(seeds.size())];
          const std::size_t from = below(other.size());
          text.insert(at, other.substr(from, below(80)));
          break;
        }
        default:
          text.resize(at);
      }
    }
    CAPTURE(text);
    bool accepted = false;
    REQUIRE(CheckAnyBytes(text, &accepted) == "");
    topologies += accepted ? 1 : 0;
  }
  // Or nothing was written and read again.
  CHECK(topologies > 100);
}

}  // namespace
}  // namespace millrace
