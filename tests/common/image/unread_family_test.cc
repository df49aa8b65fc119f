// Kinds of files that carry a known signature and are not read, or not in full.
#include "common/image/unread_family.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "common/image/inspect.h"

namespace millrace {
namespace {

using namespace std::string_literals;
using Reads = UnreadFamily::Reads;

FileBytes Bytes(const std::string& file) {
  return std::as_bytes(std::span(file.data(), file.size()));
}

std::string CodeOf(const std::string& file, InspectLevel level = InspectLevel::kDecode) {
  const auto finding = Inspect(Bytes(file), "a.tif", {.level = level}).finding;
  return finding ? std::string(ErrorCodeName(finding->code)) : "ok";
}

std::string Little16(unsigned value) {
  return {static_cast<char>(value), static_cast<char>(value >> 8)};
}
std::string Little32(std::uint32_t value) {
  return Little16(value & 0xFFFF) + Little16(value >> 16);
}
std::string Field(unsigned tag, unsigned type, std::uint32_t value, std::uint32_t count = 1) {
  return Little16(tag) + Little16(type) + Little32(count) + Little32(value);
}
constexpr unsigned kByte = 1;
constexpr unsigned kText = 2;
constexpr unsigned kShort = 3;
constexpr unsigned kLong = 4;

std::string Directory(const std::vector<std::string>& fields, std::uint32_t next = 0) {
  std::string directory = Little16(static_cast<unsigned>(fields.size()));
  for (const std::string& field : fields) directory += field;
  return directory + Little32(next);
}
std::uint32_t BytesOf(std::size_t fields) { return static_cast<std::uint32_t>(6 + 12 * fields); }

// Grey, one row of four pixels, which are at 8.
std::vector<std::string> Picture(unsigned compression = 1, unsigned photometric = 1) {
  return {Field(254, kLong, 1),
          Field(256, kLong, 4),
          Field(257, kLong, 1),
          Field(258, kShort, 8),
          Field(259, kShort, compression),
          Field(262, kShort, photometric),
          Field(273, kLong, 8),
          Field(279, kLong, 4)};
}
// A picture, and behind it one of its sub-directories.
std::string WithSubDirectory(std::vector<std::string> fields,
                             const std::vector<std::string>& below) {
  const std::uint32_t at = 12 + BytesOf(fields.size() + 1);
  fields.push_back(Field(330, kLong, at));
  return "II*\0"s + Little32(12) + "abcd" + Directory(fields) + Directory(below);
}
std::string Tiff(const std::vector<std::string>& fields) {
  return "II*\0"s + Little32(12) + "abcd" + Directory(fields);
}

TEST_CASE("raw data behind a picture makes that a preview, whatever the file is called") {
  for (const auto& [compression, photometric] : std::vector<std::pair<unsigned, unsigned>>{
           {1, 32803}, {34713, 32803}, {7, 34892}, {32767, 1}, {65535, 1}}) {
    CAPTURE(compression);
    const std::string file = WithSubDirectory(Picture(), Picture(compression, photometric));
    const auto family = FindUnreadFamily(Bytes(file));
    REQUIRE(family);
    CHECK(family->reads == Reads::kPreview);
    for (const auto level : {InspectLevel::kOpen, InspectLevel::kDecode, InspectLevel::kStrict}) {
      CHECK(CodeOf(file, level) == "preview-only");
    }
  }
}

TEST_CASE("a broken preview is no proof against its raw photo") {
  std::vector<std::string> fields = Picture();
  fields[6] = Field(273, kLong, 4000);  // behind the file's end
  CHECK(CodeOf(Tiff(fields)) == "truncated");
  CHECK(CodeOf(WithSubDirectory(fields, Picture(1, 32803))) == "preview-only");
}

TEST_CASE("a raw photo without a preview is not read") {
  const auto family = FindUnreadFamily(Bytes(Tiff(Picture(65535, 32803))));
  REQUIRE(family);
  CHECK(family->reads == Reads::kNothing);
  CHECK(family->what.find("Pentax") != std::string::npos);
  CHECK(CodeOf(Tiff(Picture(65535, 32803))) == "unsupported-format");
  // Its first directory names a JPEG and gives no size.
  const std::string sony =
      "II*\0"s + Little32(12) + "SONY" +
      Directory({Field(259, kShort, 6), Field(271, kText, 8, 5), Field(513, kLong, 8)});
  CHECK(CodeOf(sony) == "unsupported-format");
  const std::string canon = "II*\0"s + Little32(16) + "CR\2\0\0\0\0\0"s + Directory(Picture());
  CHECK(CodeOf(canon) == "unsupported-format");
}

TEST_CASE("a DNG whose picture is all there is, is read in full") {
  std::vector<std::string> fields = Picture();
  fields.push_back(Field(50706, kByte, 0x00000401, 4));
  CHECK_FALSE(FindUnreadFamily(Bytes(Tiff(fields))));
  CHECK(CodeOf(Tiff(fields)) == "ok");
  fields.pop_back();
  CHECK_FALSE(FindUnreadFamily(Bytes(WithSubDirectory(fields, Picture()))));
}

TEST_CASE("layers are said at strict alone, and the picture before them is judged") {
  std::vector<std::string> fields = Picture();
  fields.push_back(Field(37724, 7, 8, 4));
  CHECK(CodeOf(Tiff(fields)) == "ok");
  CHECK(CodeOf(Tiff(fields), InspectLevel::kStrict) == "unsupported-format");
  fields[6] = Field(273, kLong, 4000);
  CHECK(CodeOf(Tiff(fields)) == "truncated");
}

TEST_CASE("directories in a circle and hostile counts end") {
  std::string file = "II*\0"s + Little32(8);
  for (std::uint32_t i = 0; i < 2000; ++i) {
    file += Little16(0xFFFF) + Field(330, kLong, 8 + 14 * (i + 1));
  }
  FindUnreadFamily(Bytes(file));
  const std::string circle = "II*\0"s + Little32(8) + Directory({Field(330, kLong, 8)}, 8);
  CHECK_FALSE(FindUnreadFamily(Bytes(circle)));
}

TEST_CASE("raw photos with a signature of their own are named") {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"IIRO\x08\0\0\0"s, "ORF"},
      {"MMOR\0\0\0\x08"s, "ORF"},
      {"IIU\0\x18\0\0\0"s, "RW2"},
      {"FUJIFILMCCD-RAW 0201"s, "RAF"},
      {"FOVb\x01\0\x02\0"s, "X3F"},
      {"\0MRM\0\1\2\3"s, "MRW"},
      {"II\x1A\0\0\0HEAPCCDR\2\0\1\0"s, "CRW"},
      {"\0\0\0\x18"
       "ftypcrx \0\0\0\1crx isom"s,
       "CR3"}};
  for (const auto& [file, name] : files) {
    const auto family = FindUnreadFamily(Bytes(file));
    REQUIRE_MESSAGE(family, name);
    CHECK(family->what.find(name) != std::string::npos);
    CHECK(family->reads == Reads::kNothing);
    CHECK(CodeOf(file) == "unsupported-format");
  }
  CHECK_FALSE(FindUnreadFamily(Bytes("IIRS is an institute"s)));
  CHECK_FALSE(FindUnreadFamily(Bytes("FOVball"s)));
}

std::string JpegSegment(char marker, const std::string& data) {
  return "\xFF"s + marker + static_cast<char>((data.size() + 2) >> 8) +
         static_cast<char>(data.size() + 2) + data;
}

TEST_CASE("JPEGs that are coded otherwise are not read") {
  const std::string comment = JpegSegment('\xFE', "hello");
  for (const char marker : {'\xC3', '\xC5', '\xC6', '\xC7', '\xCB', '\xF7', '\xDE'}) {
    const std::string file = "\xFF\xD8"s + comment + JpegSegment(marker, std::string(15, '\1'));
    CHECK(CodeOf(file) == "unsupported-format");
    CHECK(CodeOf(file, InspectLevel::kOpen) == "unsupported-format");
  }
  const std::string box = "JP\0\1\0\0\0\1\0\0\0\x20RESI"s;
  const std::string other = "JP\0\1\0\0\0\1\0\0\0\x20jumb"s;
  const std::string scan = JpegSegment('\xDA', "\1\1\0\0\x3F\0"s);
  const auto extended = FindUnreadFamily(Bytes("\xFF\xD8"s + JpegSegment('\xEB', box) + scan));
  REQUIRE(extended);
  CHECK(extended->reads == Reads::kPreview);
  CHECK_FALSE(FindUnreadFamily(Bytes("\xFF\xD8"s + JpegSegment('\xEB', other) + scan)));
}

TEST_CASE("what a phone appends to a photo is told from stray bytes") {
  CHECK(
      FindAppended(Bytes("\0\0\0\x18"
                         "ftypmp42"s)));
  CHECK(FindAppended(Bytes("\0\0\x30\x0A\x10\0\0\0MotionPhoto_Data...."s)));
  CHECK_FALSE(FindAppended(Bytes("some text"s)));
  CHECK_FALSE(FindAppended({}));
}

}  // namespace
}  // namespace millrace
