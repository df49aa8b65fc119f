// What Inspect says of JPEG, PNG and WebP, and what is the same for all formats. The corpus
// (tests/inspect) holds the verdicts against Pillow's.
#include "common/image/inspect.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace millrace {
namespace {

std::string Picture(const std::string& name) {
  const auto path = std::filesystem::path(MILLRACE_SOURCE_DIR) / "tests/golden/pictures" / name;
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string CodeOf(const std::string& file, InspectLevel level = InspectLevel::kDecode,
                   const std::string& name = "", InspectOptions options = {}) {
  options.level = level;
  const Inspection inspection = Inspect(std::as_bytes(std::span(file)), name, options);
  return inspection.finding ? std::string(ErrorCodeName(inspection.finding->code)) : "ok";
}

std::string Strictly(const std::string& file, const std::string& name = "") {
  return CodeOf(file, InspectLevel::kStrict, name);
}

std::string Big32(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string PngChunk(const std::string& type, const std::string& data) {
  const std::string checked = type + data;
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(checked.data()), checked.size());
  return Big32(static_cast<std::uint32_t>(data.size())) + checked +
         Big32(static_cast<std::uint32_t>(crc));
}

// Where a chunk of the type begins.
std::size_t ChunkAt(const std::string& png, const std::string& type) {
  const std::size_t at = png.find(type);
  REQUIRE(at != std::string::npos);
  return at - 4;
}

TEST_CASE("no bytes are empty, others without a signature no image") {
  CHECK(CodeOf("") == "empty");
  CHECK(CodeOf("hello, this is a text", InspectLevel::kDecode, "a.jpg") == "not-an-image");
}

TEST_CASE("caps come before the work, and are no verdict") {
  const std::string png = Picture("png-grey-8.png");
  CHECK(CodeOf(png, InspectLevel::kDecode, "", {.max_pixels = 100}) == "too-large");
  CHECK(CodeOf(png, InspectLevel::kDecode, "", {.max_side = 10}) == "too-large");
  CHECK(CodeOf(png, InspectLevel::kDecode, "", {.max_bytes = 10}) == "too-large");
}

TEST_CASE("an extension of another format is said at strict alone") {
  const std::string jpeg = Picture("jpeg-420.jpg");
  CHECK(CodeOf(jpeg, InspectLevel::kDecode, "a.png") == "ok");
  CHECK(Strictly(jpeg, "a.png") == "extension-mismatch");
  CHECK(Strictly(jpeg, "a/b.JPEG") == "ok");
  CHECK(Strictly(jpeg, "a.txt") == "ok");
}

TEST_CASE("a cut JPEG tells where it ends and how much is lost") {
  std::string jpeg = Picture("jpeg-420.jpg");
  jpeg.resize(jpeg.size() / 2);
  const Inspection inspection = Inspect(std::as_bytes(std::span(jpeg)), "", {});
  REQUIRE(inspection.finding);
  CHECK(inspection.finding->code == ErrorCode::kTruncated);
  CHECK(inspection.finding->offset == static_cast<std::int64_t>(jpeg.size()));
  REQUIRE(inspection.finding->lost);
  CHECK(*inspection.finding->lost > 0.2);
  CHECK(*inspection.finding->lost < 0.8);
  CHECK(CodeOf(jpeg, InspectLevel::kOpen) == "ok");
}

TEST_CASE("zeros before a JPEG's end are padding, other bytes a sign of damage") {
  const std::string jpeg = Picture("jpeg-420.jpg");
  const std::string before = jpeg.substr(0, jpeg.size() - 2);
  CHECK(CodeOf(before + std::string(40, '\0') + "\xff\xd9") == "ok");
  CHECK(Strictly(before + std::string(40, '\0') + "\xff\xd9") == "suspicious");
  CHECK(CodeOf(before + std::string(40, 'x') + "\xff\xd9") == "suspicious");
  CHECK(CodeOf(before) == "suspicious");
}

TEST_CASE("bytes between a JPEG's segments and behind its end cost no pixels") {
  const std::string jpeg = Picture("jpeg-420.jpg");
  // libjpeg wants a marker directly behind the first one; behind the second it does not.
  const std::size_t second =
      4 + (static_cast<unsigned char>(jpeg[4]) << 8 | static_cast<unsigned char>(jpeg[5]));
  const std::string between = jpeg.substr(0, second) + std::string(5, 'x') + jpeg.substr(second);
  CHECK(CodeOf(between) == "suspicious");
  CHECK(CodeOf(jpeg + "more") == "ok");
  CHECK(Strictly(jpeg + "more") == "trailing-data");
}

TEST_CASE("the pictures behind the first of a multi-picture file are no stray bytes") {
  const std::string jpeg = Picture("jpeg-420.jpg");
  const std::string segment = std::string("\xff\xe2\0\x06MPF\0", 8);
  const std::string first = jpeg.substr(0, 2) + segment + jpeg.substr(2);
  CHECK(Strictly(first + jpeg) == "ok");
  CHECK(Strictly(jpeg + jpeg) == "trailing-data");
}

// A JPEG with an index (CIPA DC-007) that says that a second picture follows it directly.
std::string WithIndex(const std::string& jpeg) {
  const auto little = [](std::uint32_t value) {
    std::string bytes = Big32(value);
    return std::string(bytes.rbegin(), bytes.rend());
  };
  const auto field = [&](std::uint32_t tag, std::uint32_t type, std::uint32_t count,
                         std::uint32_t value) {
    return little(tag | type << 16) + little(count) + little(value);
  };
  const std::size_t index = 8 + 2 + 2 * 12 + 4;
  const std::size_t segment = 4 + index + 2 * 16;
  const auto behind = static_cast<std::uint32_t>(jpeg.size() + 4 + segment);
  const std::string block =
      std::string("II*\0", 4) + little(8) + std::string("\2\0", 2) + field(0xB001, 4, 1, 2) +
      field(0xB002, 7, 32, static_cast<std::uint32_t>(index)) + little(0) + std::string(16, '\0') +
      little(0) + little(0) + little(behind - 10) + little(0);
  return jpeg.substr(0, 2) + "\xff\xe2" + std::string(1, '\0') + static_cast<char>(2 + segment) +
         std::string("MPF\0", 4) + block + jpeg.substr(2);
}

TEST_CASE("every picture of a multi-picture file is judged") {
  const std::string first = WithIndex(Picture("jpeg-420.jpg"));
  const std::string second = Picture("jpeg-444-progressive.jpg");
  CHECK(Strictly(first + second) == "ok");
  const std::string cut = first + second.substr(0, second.size() / 2);
  const Inspection inspection = Inspect(std::as_bytes(std::span(cut)), "", {});
  REQUIRE(inspection.finding);
  CHECK(inspection.finding->code == ErrorCode::kTruncated);
  CHECK(inspection.finding->what.substr(0, 16) == "picture 2 of 2: ");
  CHECK(inspection.finding->offset == static_cast<std::int64_t>(cut.size()));
  // Programs that change the first picture leave the index behind, and not the others.
  CHECK(CodeOf(first) == "ok");
  CHECK(Strictly(first) == "bad-metadata");
}

TEST_CASE("a later picture is held to the caps before memory is taken for it") {
  std::string second = Picture("jpeg-444-progressive.jpg");
  const std::size_t frame = second.find("\xff\xc2");
  second.replace(frame + 5, 4, "\xff\xff\xff\xff");
  CHECK(CodeOf(WithIndex(Picture("jpeg-420.jpg")) + second) == "too-large");
}

TEST_CASE("a JPEG whose scans never end is not read for ever") {
  const std::string jpeg = Picture("jpeg-420-progressive.jpg");
  // The first scan may be sent again and again: its bits are none that were missing.
  const std::size_t first = jpeg.find("\xff\xda");
  const std::size_t next = jpeg.find("\xff\xc4", first);
  std::string many = jpeg.substr(0, next);
  for (int i = 0; i < 600; ++i) many += jpeg.substr(first, next - first);
  CHECK(CodeOf(many + jpeg.substr(next)) == "too-large");
}

TEST_CASE("a wrong checksum costs a PNG pixels where nothing else vouches for them") {
  const std::string png = Picture("png-grey-8.png");
  const std::size_t idat = ChunkAt(png, "IDAT");
  const std::size_t crc = png.rfind("IEND") - 4 - 4;
  std::string wrong = png;
  wrong[crc] = static_cast<char>(wrong[crc] ^ 1);
  CHECK(CodeOf(wrong) == "ok");  // the data's own checksum is right
  CHECK(Strictly(wrong) == "bad-metadata");

  std::string flipped = png;
  flipped[idat + 60] = static_cast<char>(flipped[idat + 60] ^ 4);
  CHECK(CodeOf(flipped) == "bad-crc");

  // The data's own checksum is wrong, the chunk's is right: it was written so.
  std::string data = png.substr(idat + 8, crc - idat - 8);
  data.back() = static_cast<char>(data.back() ^ 1);
  CHECK(CodeOf(png.substr(0, idat) + PngChunk("IDAT", data) + png.substr(crc + 4)) == "suspicious");

  std::string header = png;
  header[ChunkAt(png, "IHDR") + 8 + 3] ^= 1;  // the width
  CHECK(CodeOf(header, InspectLevel::kOpen) == "bad-crc");
}

TEST_CASE("what stands behind a PNG's pixels costs none") {
  const std::string png = Picture("png-grey-8.png");
  const std::size_t end = ChunkAt(png, "IEND");
  std::string text = PngChunk("tEXt", std::string("Comment\0hello", 13));
  CHECK(Strictly(png.substr(0, end) + text + png.substr(end)) == "ok");
  text.back() = static_cast<char>(text.back() ^ 1);
  CHECK(CodeOf(png.substr(0, end) + text + png.substr(end)) == "ok");
  CHECK(Strictly(png.substr(0, end) + text + png.substr(end)) == "bad-metadata");
  CHECK(CodeOf(png.substr(0, end)) == "ok");
  CHECK(Strictly(png.substr(0, end)) == "bad-metadata");
  CHECK(Strictly(png + "more") == "trailing-data");
}

TEST_CASE(
    "a wrong checksum of a chunk beside the pixels is said at strict alone, whichever it is") {
  const std::string png = Picture("png-grey-8.png");
  const std::size_t idat = ChunkAt(png, "IDAT");
  for (const char* type : {"iCCP", "tEXt", "zTXt", "iTXt", "pHYs", "tIME", "eXIf", "gAMA", "sRGB",
                           "bKGD", "sPLT", "zzZz"}) {
    CAPTURE(type);
    std::string chunk = PngChunk(type, std::string("name\0\0abcdefghi", 15));
    chunk.back() = static_cast<char>(chunk.back() ^ 1);
    for (const std::size_t at : {idat, ChunkAt(png, "IEND")}) {
      const std::string wrong = png.substr(0, at) + chunk + png.substr(at);
      CHECK(CodeOf(wrong, InspectLevel::kOpen) == "ok");
      CHECK(CodeOf(wrong) == "ok");
      CHECK(Strictly(wrong) == "bad-metadata");
    }
  }
}

TEST_CASE("a length that was overwritten before a PNG's pixels hides them and loses none") {
  const std::string png = Picture("png-grey-8.png");
  const std::size_t idat = ChunkAt(png, "IDAT");
  for (const char first : {'\x7f', '\0'}) {
    std::string text = PngChunk("tEXt", std::string("name\0hello", 10));
    text.replace(0, 4, std::string(1, first) + std::string("\0\0\2", 3));
    CHECK(CodeOf(png.substr(0, idat) + text + png.substr(idat)) == "suspicious");
    // Nothing is hidden behind it.
    CHECK(CodeOf(png.substr(0, idat) + text) != "suspicious");
  }
}

TEST_CASE("a text that begins like a PNM is no broken picture, whatever its numbers") {
  for (const char* text : {"P3 12 15 20 pages of notes", "P2 1 2 3 four", "P5 100 100 255 words"}) {
    CHECK(CodeOf(text, InspectLevel::kDecode, "notes.txt") == "suspicious");
    CHECK(CodeOf(text, InspectLevel::kDecode, "a.ppm") != "ok");
  }
}

TEST_CASE("a motion photo's video is named, and the photo is judged") {
  const std::string jpeg = Picture("jpeg-420.jpg");
  const std::string video(
      "\0\0\0\x18"
      "ftypmp42\0\0\0\0mp42isom",
      24);
  CHECK(CodeOf(jpeg + video) == "ok");
  CHECK(Strictly(jpeg + video) == "unsupported-format");
  CHECK(CodeOf(jpeg.substr(0, jpeg.size() / 2)) == "truncated");
}

TEST_CASE("a PNG in Apple's own form is not read") {
  const std::string png = Picture("png-grey-8.png");
  CHECK(CodeOf(png.substr(0, 8) + PngChunk("CgBI", std::string(4, '\0')) + png.substr(8)) ==
        "unsupported-format");
}

TEST_CASE("a PNG of too few rows is broken, whatever its checksums say") {
  const std::string png = Picture("png-grey-8.png");
  std::string header = png.substr(ChunkAt(png, "IHDR") + 8, 13);
  header[7] = static_cast<char>(header[7] + 1);  // one row more than there are
  const std::string taller = png.substr(0, 8) + PngChunk("IHDR", header) + png.substr(33);
  CHECK(CodeOf(taller) == "corrupt");
}

TEST_CASE("a cut WebP is truncated, and bytes behind it are said at strict alone") {
  const std::string webp = Picture("exif-8.webp");
  CHECK(Strictly(webp) == "ok");
  CHECK(CodeOf(webp.substr(0, webp.size() / 2)) == "truncated");
  CHECK(CodeOf(webp + "more") == "ok");
  CHECK(Strictly(webp + "more") == "trailing-data");
}

TEST_CASE("a WebP that is cut behind its picture, or says a wrong size, has lost no pixel") {
  const std::string webp = Picture("exif-8.webp");
  std::string longer = webp;
  longer[5] = static_cast<char>(longer[5] + 1);  // 256 bytes more than there are
  CHECK(CodeOf(longer) == "suspicious");
  CHECK(CodeOf(longer, InspectLevel::kOpen) == "suspicious");
  CHECK(CodeOf(webp.substr(0, webp.size() - 10)) == "suspicious");  // within its EXIF
}

}  // namespace
}  // namespace millrace
