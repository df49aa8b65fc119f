// What Pillow asks of a PNG's chunks beside its pixels (png_rules.h), and animations. All checksums
// are right unless a test says otherwise.
#include <doctest/doctest.h>
#include <zlib.h>

#include <string>
#include <utility>
#include <vector>

#include "common/image/inspect.h"

namespace millrace {
namespace {

using namespace std::string_literals;

constexpr std::uint32_t kWidth = 20;
constexpr std::uint32_t kHeight = 10;

std::string CodeOf(const std::string& file, InspectLevel level = InspectLevel::kDecode) {
  const auto finding = Inspect(std::as_bytes(std::span(file)), "a.png", {.level = level}).finding;
  return finding ? std::string(ErrorCodeName(finding->code)) : "ok";
}

std::string Big32(std::uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xFF);
  return text;
}

std::string Chunk(const std::string& type, const std::string& data) {
  const std::string checked = type + data;
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(checked.data()), checked.size());
  return Big32(static_cast<std::uint32_t>(data.size())) + checked +
         Big32(static_cast<std::uint32_t>(crc));
}

std::string Deflated(const std::string& text) {
  uLongf bytes = compressBound(static_cast<uLong>(text.size()));
  std::string data(bytes, '\0');
  REQUIRE(compress(reinterpret_cast<Bytef*>(data.data()), &bytes,
                   reinterpret_cast<const Bytef*>(text.data()),
                   static_cast<uLong>(text.size())) == Z_OK);
  data.resize(bytes);
  return data;
}

constexpr char kRgb = 2;
constexpr char kIndices = 3;

std::string Rows(std::uint32_t height = kHeight, char color_type = kRgb) {
  std::string row(1 + kWidth * (color_type == kRgb ? 3 : 1), '\7');
  row[0] = 0;
  std::string rows;
  for (std::uint32_t y = 0; y < height; ++y) rows += row;
  return Deflated(rows);
}

// Its header, `before`, its pixels, `behind`; no end.
std::string Open(const std::string& before, const std::string& behind = "",
                 char color_type = kRgb) {
  return "\x89PNG\r\n\x1a\n" +
         Chunk("IHDR", Big32(kWidth) + Big32(kHeight) + "\10"s + color_type + "\0\0\0"s) + before +
         Chunk("IDAT", Rows(kHeight, color_type)) + behind;
}
std::string Png(const std::string& before, const std::string& behind = "", char color_type = kRgb) {
  return Open(before, behind, color_type) + Chunk("IEND", "");
}

TEST_CASE("a side chunk that is too short costs no pixels, though Pillow refuses the file") {
  const std::vector<std::pair<std::string, std::size_t>> least = {
      {"gAMA", 4}, {"sRGB", 1}, {"pHYs", 9}, {"tRNS", 6}, {"acTL", 8}};
  for (const auto& [type, bytes] : least) {
    CAPTURE(type);
    const std::string enough = Chunk(type, std::string(bytes, '\0'));
    const std::string less = Chunk(type, std::string(bytes - 1, '\0'));
    CHECK(CodeOf(Png(enough)) == "ok");
    CHECK(CodeOf(Png("", enough)) == "ok");
    CHECK(CodeOf(Png(less), InspectLevel::kOpen) == "ok");
    CHECK(CodeOf(Png("", less), InspectLevel::kOpen) == "ok");
    // Transparency and an animation's frames are of the picture.
    const bool beside = type != "tRNS" && type != "acTL";
    for (const std::string& png : {Png(less), Png("", less)}) {
      CHECK(CodeOf(png) == (beside ? "ok" : "suspicious"));
      CHECK(CodeOf(png, InspectLevel::kStrict) == (beside ? "bad-metadata" : "suspicious"));
    }
  }
}

TEST_CASE("a palette of more than 256 colours is opened and not loaded") {
  const auto png = [](std::size_t bytes) {
    return Png(Chunk("PLTE", std::string(bytes, '\1')), "", kIndices);
  };
  CHECK(CodeOf(png(768)) == "ok");
  CHECK(CodeOf(png(771), InspectLevel::kOpen) == "ok");
  CHECK(CodeOf(png(771)) == "suspicious");
}

TEST_CASE("texts beyond Pillow's caps are no verdict on the pixels") {
  const std::string name = "name\0"s;
  const std::string at_cap = name + "\0"s + Deflated(std::string(1 << 20, 'a'));
  const std::string beyond = name + "\0"s + Deflated(std::string((1 << 20) + 1, 'a'));
  for (const char* type : {"zTXt", "iCCP"}) {
    CHECK(CodeOf(Png(Chunk(type, at_cap))) == "ok");
    CHECK(CodeOf(Png(Chunk(type, beyond)), InspectLevel::kOpen) == "too-large");
    CHECK(CodeOf(Png("", Chunk(type, beyond))) == "too-large");
  }
  const std::string half = Chunk("tEXt", name + std::string(32 << 20, 'a'));
  CHECK(CodeOf(Png(half, half)) == "ok");
  CHECK(CodeOf(Png(half, half + Chunk("tEXt", name + "a"))) == "too-large");
  // Pillow does without a text that does not inflate.
  CHECK(CodeOf(Png(Chunk("zTXt", name + "\0xxxx"s))) == "ok");
}

TEST_CASE("what only some versions of Pillow refuse is beside the pixels") {
  const auto strictly = [](const std::string& png) { return CodeOf(png, InspectLevel::kStrict); };
  CHECK(strictly(Png(Chunk("cHRM", std::string(32, '\0')))) == "ok");
  for (const std::string& chunk :
       {Chunk("cHRM", std::string(28, '\0')), Chunk("iCCP", "name\0\1"s + Deflated("x"))}) {
    CHECK(CodeOf(Png(chunk)) == "ok");
    CHECK(strictly(Png(chunk)) == "bad-metadata");
  }
}

std::string Frames(std::uint32_t count) { return Chunk("acTL", Big32(count) + Big32(0)); }
std::string Control(std::uint32_t number, std::uint32_t x = 0) {
  return Chunk("fcTL", Big32(number) + Big32(kWidth) + Big32(kHeight) + Big32(x) + Big32(0) +
                           "\0\1\0\12\0\0"s);
}
std::string Data(std::uint32_t number, std::uint32_t height = kHeight) {
  return Chunk("fdAT", Big32(number) + Rows(height));
}

TEST_CASE("an animation has all its frames, in order and within the picture") {
  const std::string first = Frames(2) + Control(0);
  CHECK(CodeOf(Png(first, Control(1) + Data(2)), InspectLevel::kStrict) == "ok");
  CHECK(CodeOf(Png(Frames(1), Control(0) + Data(1)), InspectLevel::kStrict) == "ok");
  // All rows are there; Pillow refuses them.
  CHECK(CodeOf(Png(first, Control(1) + Data(3))) == "suspicious");
  CHECK(CodeOf(Png(first, Control(2) + Data(3))) == "suspicious");
  CHECK(CodeOf(Png(first, Control(1, 1) + Data(2))) == "suspicious");
  CHECK(CodeOf(Png(first, Control(1) + Data(2, kHeight - 1))) == "corrupt");
  CHECK(CodeOf(Png(first)) == "suspicious");
  CHECK(CodeOf(Open(first)) == "truncated");
  CHECK(CodeOf(Png(Frames(2) + Control(1))) == "suspicious");
  // Where no animation is announced, Pillow looks at its chunks all the same.
  CHECK(CodeOf(Png(Control(0), Control(1) + Data(2))) == "ok");
  CHECK(CodeOf(Png("", Data(2))) == "suspicious");
}

TEST_CASE("a cut behind the last frame's rows costs none of them") {
  const std::string whole = Open(Frames(2) + Control(0), Control(1) + Data(2));
  constexpr std::size_t kCrcBytes = 4;
  constexpr std::size_t kAdlerBytes = 4;
  for (std::size_t cut = 0; cut <= kCrcBytes + kAdlerBytes; ++cut) {
    CHECK(CodeOf(whole.substr(0, whole.size() - cut)) == "ok");
  }
  CHECK(CodeOf(whole.substr(0, whole.size() - kCrcBytes - kAdlerBytes - 6)) == "truncated");
}

TEST_CASE("a cut in a chunk behind the pixels costs none, though Pillow stops in its data") {
  const std::string png = Open("", Chunk("tEXt", "name\0text"s));
  CHECK(CodeOf(png.substr(0, png.size() - 4)) == "ok");
  CHECK(CodeOf(png.substr(0, png.size() - 5)) == "ok");
  CHECK(CodeOf(png.substr(0, png.size() - 5), InspectLevel::kStrict) == "bad-metadata");
}

TEST_CASE("an IDAT of a wrong length costs no pixels where the rows' own checksum follows them") {
  std::string png = Png("");
  const std::size_t length_at = png.find("IDAT") - 1;
  png[length_at] = static_cast<char>(png[length_at] - 2);  // the checksum is no longer within it
  CHECK(CodeOf(png) == "ok");
  CHECK(CodeOf(png, InspectLevel::kStrict) == "bad-metadata");
  const std::size_t adler = png.find("IEND") - 4 - 4 - 4;
  png[adler] = static_cast<char>(png[adler] ^ 1);
  CHECK(CodeOf(png) == "bad-crc");
}

TEST_CASE(
    "data that goes on where it should end breaks the picture for Pillow, whole rows or not") {
  std::string png = Png("");
  const std::size_t first_block = png.find("IDAT") + 4 + 2;
  REQUIRE((png[first_block] & 1) == 1);
  png[first_block] = static_cast<char>(png[first_block] ^ 1);  // no longer the last block
  CHECK(CodeOf(png) == "bad-crc");
}

}  // namespace
}  // namespace millrace
