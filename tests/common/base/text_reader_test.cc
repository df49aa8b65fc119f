#include "common/base/text_reader.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

using namespace millrace;
using namespace std::string_view_literals;

namespace {

class TextFile {
 public:
  explicit TextFile(std::string_view bytes) {
    const int fd = mkstemp(path_.data());
    REQUIRE(fd >= 0);
    close(fd);
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~TextFile() { unlink(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/millrace-text-XXXXXX";
};

// The lines, each read by a reader of its own from where the one before stood.
std::vector<std::string> LinesOf(std::string_view bytes) {
  const TextFile file(bytes);
  std::vector<std::string> lines;
  std::uint64_t offset = 0;
  for (;;) {
    Result<TextReader> reader = TextReader::Open(file.path(), "it", offset);
    REQUIRE(reader.has_value());
    std::string line;
    const Result<bool> more = ReadLine(*reader, line);
    REQUIRE_MESSAGE(more.has_value(), more.error().message);
    if (!*more) return lines;
    offset = reader->offset();
    lines.push_back(line);
  }
}

}  // namespace

TEST_CASE("lines are read behind any mark, and go on from any of them") {
  const std::vector<std::string> lines = {"a", "", "\xc3\xa9", "\xf0\x9f\x98\x80"};
  CHECK(LinesOf("a\n\n\xc3\xa9\n\xf0\x9f\x98\x80") == lines);
  CHECK(LinesOf("a\r\n\r\n\xc3\xa9\r\n\xf0\x9f\x98\x80\r\n") == lines);
  CHECK(LinesOf("\xef\xbb\xbf"
                "a\n\n\xc3\xa9\n\xf0\x9f\x98\x80\n") == lines);
  CHECK(LinesOf("\xff\xfe"
                "a\0\n\0\n\0\xe9\0\n\0\x3d\xd8\0\xde"sv) == lines);
  CHECK(LinesOf("\xfe\xff\0a\0\r\0\n\0\n\0\xe9\0\n\xd8\x3d\xde\0\0\n"sv) == lines);
}

TEST_CASE("bytes that are no UTF-8 stay as they are") {
  CHECK(LinesOf("\xff\xc3\n\xfe") == std::vector<std::string>{"\xff\xc3", "\xfe"});
}

TEST_CASE("an empty file has no lines, nor has a mark alone") {
  CHECK(LinesOf("").empty());
  CHECK(LinesOf("\xef\xbb\xbf").empty());
  CHECK(LinesOf("\xff\xfe").empty());
}

TEST_CASE("a file that is missing, of UTF-32, or cut in a character is refused by name") {
  CHECK(TextReader::Open("/nowhere", "the list").error().message ==
        "cannot read the list: No such file or directory");
  const TextFile utf32("\xff\xfe\0\0a\0\0\0"sv);
  CHECK(TextReader::Open(utf32.path(), "the list").error().message ==
        "the list is UTF-32 text: write it as UTF-8");
  for (const std::string_view cut : {"\xff\xfe"
                                     "a"sv,
                                     "\xff\xfe\x3d\xd8"sv,
                                     "\xff\xfe\x3d\xd8"
                                     "a\0"sv,
                                     "\xff\xfe\0\xde"sv}) {
    const TextFile file(cut);
    Result<TextReader> reader = TextReader::Open(file.path(), "the list");
    REQUIRE(reader.has_value());
    std::string line;
    const Result<bool> read = ReadLine(*reader, line);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == ErrorCode::kUsage);
    CHECK(read.error().message.find("the list begins like UTF-16 text") == 0);
  }
}
