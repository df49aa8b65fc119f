// What is found in GIF, TIFF, BMP, PNM and JPEG 2000 beyond what the corpus of tests/inspect has.
#include <doctest/doctest.h>
#include <zlib.h>

#include <string>

#include "common/image/inspect.h"

namespace millrace {
namespace {

using namespace std::string_literals;

std::string Judge(const std::string& file, InspectLevel level = InspectLevel::kDecode) {
  const auto bytes = std::as_bytes(std::span(file.data(), file.size()));
  const auto finding = Inspect(bytes, "file", {.level = level}).finding;
  return finding ? std::string(ErrorCodeName(finding->code)) : "ok";
}

std::string Strict(const std::string& file) { return Judge(file, InspectLevel::kStrict); }

std::string Little16(int value) {
  return {static_cast<char>(value), static_cast<char>(value >> 8)};
}
std::string Little32(std::uint32_t value) {
  return Little16(static_cast<int>(value & 0xFFFF)) + Little16(static_cast<int>(value >> 16));
}

// A frame of this size, whose one pixel of data is index 0.
std::string GifFrame(int width, int height) {
  return ","s + Little16(0) + Little16(0) + Little16(width) + Little16(height) + "\0"s +
         "\2\2\x44\1\0"s;
}
std::string Gif(const std::string& blocks) {
  return "GIF89a" + Little16(1) + Little16(1) + "\0\0\0"s + blocks;
}
constexpr const char* kGraphicControl = "!\xF9\4";

TEST_CASE("GIF: every frame counts, and how the file ends") {
  CHECK(Strict(Gif(GifFrame(1, 1) + GifFrame(1, 1) + ";")) == "ok");
  CHECK(Judge(Gif(GifFrame(1, 1) + GifFrame(2, 1) + ";")) == "corrupt");
  CHECK(Judge(Gif(GifFrame(1, 1) + GifFrame(1, 1).substr(0, 12))) == "truncated");
  CHECK(Judge(Gif("")) == "truncated");
  // It was written so.
  CHECK(Judge(Gif(";")) == "unsupported-format");
  CHECK(Judge(Gif(GifFrame(0, 1) + ";")) == "unsupported-format");
  // There may have been a frame, and there need not.
  CHECK(Judge(Gif(GifFrame(1, 1) + kGraphicControl)) == "suspicious");
  // No pixel is missing.
  CHECK(Judge(Gif(GifFrame(1, 1))) == "ok");
  CHECK(Strict(Gif(GifFrame(1, 1))) == "bad-metadata");
  CHECK(Strict(Gif(GifFrame(1, 1) + ";behind")) == "trailing-data");
  CHECK(Judge(Gif(GifFrame(1, 1) + GifFrame(0, 0) + ";")) == "ok");
  // A frame was overwritten and what is left of it happens to hold a trailer.
  CHECK(Judge(Gif(GifFrame(1, 1) + "x" + GifFrame(1, 1).substr(1) + ";; ;")) == "suspicious");
}

TEST_CASE("GIF: a million empty frames are gone through") {
  std::string frames = GifFrame(1, 1);
  for (int i = 0; i < 1'000'000; ++i) frames += ","s + std::string(9, '\0') + "\2\0"s;
  CHECK(Judge(Gif(frames + ";")) == "ok");
}

std::string Field(int tag, int type, std::uint32_t value) {
  return Little16(tag) + Little16(type) + Little32(1) + Little32(value);
}
// A directory of a grey picture of one row whose pixels are at 8.
std::string Directory(std::uint32_t width, std::uint32_t next) {
  return Little16(6) + Field(256, 4, width) + Field(257, 4, 1) + Field(258, 3, 8) +
         Field(262, 3, 1) + Field(273, 4, 8) + Field(279, 4, 4) + Little32(next);
}
constexpr std::uint32_t kDirectoryBytes = 78;
std::string Tiff(const std::string& directories) {
  return "II*\0"s + Little32(12) + "abcd" + directories;
}

TEST_CASE("TIFF: every page counts, and a loop of directories ends") {
  CHECK(Strict(Tiff(Directory(4, 0))) == "ok");
  CHECK(Strict(Tiff(Directory(4, 12 + kDirectoryBytes) + Directory(4, 0))) == "ok");
  CHECK(Judge(Tiff(Directory(4, 12 + kDirectoryBytes) + Directory(500, 0))) == "truncated");
  CHECK(Judge(Tiff(Directory(4, 12 + kDirectoryBytes))) == "truncated");
  CHECK(Judge(Tiff(Directory(4, 12 + kDirectoryBytes) + Directory(4, 12))) == "ok");
  CHECK(Judge("II*\0"s + Little32(0)) == "unsupported-format");
  // Programs that do not write the end of the list leave something odd there.
  CHECK(Judge(Tiff(Directory(4, 0x7B7B7B7B))) == "suspicious");
  CHECK(Strict(Tiff(Directory(4, 0)) + "behind") == "trailing-data");
}

TEST_CASE("TIFF: what is not understood is no damage") {
  const auto with = [](int tag, std::uint32_t value) {
    std::string directory = Directory(4, 0);
    const std::size_t at = directory.find(Little16(tag) + Little16(3));
    REQUIRE(at != std::string::npos);
    return Tiff(directory.replace(at, 12, Field(tag, 3, value)));
  };
  CHECK(Judge(with(262, 12345)) == "unsupported-format");  // a photometry
  CHECK(Judge(with(258, 77)) == "unsupported-format");     // bits
  std::string compressed = Directory(4, 0);
  compressed.replace(2 + 2 * 12, 12, Field(259, 3, 40000));  // in place of the bits
  CHECK(Judge(Tiff(compressed)) == "unsupported-format");
  std::string no_width = Directory(4, 0);
  no_width.replace(2, 12, Field(255, 3, 1));
  CHECK(Judge(Tiff(no_width)) == "unsupported-format");
}

TEST_CASE("TIFF: a field that nobody needs may point behind the file's end") {
  // A text of 100 bytes, far away, before the fields that say where the rows are.
  const std::string text = Little16(270) + Little16(2) + Little32(100) + Little32(90'000);
  std::string directory = Directory(4, 0);
  directory.replace(0, 2, Little16(7));
  directory.insert(2 + 4 * 12, text);
  CHECK(Judge(Tiff(directory)) != "truncated");
  CHECK(Judge(Tiff(directory)) != "corrupt");
}

TEST_CASE("TIFF: pages of sub-directories count") {
  std::string first = Directory(4, 0);
  first.replace(0, 2, Little16(7));
  const auto below = static_cast<std::uint32_t>(12 + kDirectoryBytes + 12);
  first.insert(2 + 6 * 12, Field(330, 4, below));
  CHECK(Judge(Tiff(first + Directory(4, 0))) == "ok");
  CHECK(Judge(Tiff(first + Directory(4000, 0))) == "truncated");
}

std::string Deflated(const std::string& text) {
  std::string data(compressBound(static_cast<uLong>(text.size())), '\0');
  uLongf bytes = static_cast<uLongf>(data.size());
  REQUIRE(compress(reinterpret_cast<Bytef*>(data.data()), &bytes,
                   reinterpret_cast<const Bytef*>(text.data()),
                   static_cast<uLong>(text.size())) == Z_OK);
  return data.substr(0, bytes);
}

// Grey, 100 rows of 100 pixels in one strip.
std::string DeflatedTiff(const std::string& strip) {
  const std::string fields = Field(256, 3, 100) + Field(257, 3, 100) + Field(258, 3, 8) +
                             Field(259, 3, 8) + Field(262, 3, 1) + Field(273, 4, 8) +
                             Field(278, 3, 100) +
                             Field(279, 4, static_cast<std::uint32_t>(strip.size()));
  return "II*\0"s + Little32(8 + static_cast<std::uint32_t>(strip.size())) + strip + Little16(8) +
         fields + Little32(0);
}

TEST_CASE("TIFF, deflate: what follows the rows within their block tells whether they are whole") {
  std::string rows;
  for (unsigned i = 0, state = 1; i < 10'000; ++i) {
    state = state * 1103515245 + 12345;
    rows += static_cast<char>(i / 100 + (state >> 16) % 40);
  }
  const std::string strip = Deflated(rows);
  CHECK(Judge(DeflatedTiff(strip)) == "ok");
  CHECK(Judge(DeflatedTiff(strip.substr(0, strip.size() - 4))) == "ok");  // some count it so
  CHECK(Judge(DeflatedTiff(strip + "padding")) == "ok");
  CHECK(Judge(DeflatedTiff(Deflated(rows + std::string(500, 'x')))) == "ok");  // more rows
  CHECK(Judge(DeflatedTiff(Deflated(rows.substr(100)))) == "corrupt");
  int told = 0;
  int proven = 0;
  for (std::size_t at = 200; at + 1000 < strip.size(); at += 100) {
    for (const std::size_t hole : {4, 64, 512}) {
      std::string hurt = strip;
      hurt.replace(at, hole, hole, '\0');
      const std::string code = Judge(DeflatedTiff(hurt));
      CAPTURE(at);
      CAPTURE(hole);
      CHECK(code != "ok");
      ++told;
      proven += code == "corrupt" ? 1 : 0;
    }
  }
  REQUIRE(told > 100);
  CHECK(proven * 10 > told * 9);
}

TEST_CASE("TIFF: directories that share their bytes do not take time without end") {
  // Each claims all fields that follow: a million times thousands.
  std::string file = "II*\0"s + Little32(8);
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    const std::uint32_t at = 8 + i * kDirectoryBytes;
    std::string directory = Directory(1, at + kDirectoryBytes);
    directory.replace(0, 2, Little16(0xFFFF));
    file += directory;
  }
  CHECK(Judge(file) != "ok");
}

std::string Bmp(int width, int height, std::uint32_t data_bytes, const std::string& pixels) {
  const std::string info = Little32(40) + Little32(static_cast<std::uint32_t>(width)) +
                           Little32(static_cast<std::uint32_t>(height)) + Little16(1) +
                           Little16(24) + Little32(0) + Little32(data_bytes) +
                           std::string(16, '\0');
  return "BM" + Little32(static_cast<std::uint32_t>(54 + pixels.size())) + Little32(0) +
         Little32(54) + info + pixels;
}

TEST_CASE("BMP: rows that are missing, by the file's end or by the header's counts") {
  const std::string rows(12 * 8, 'x');
  CHECK(Strict(Bmp(4, 8, 96, rows)) == "ok");
  CHECK(Judge(Bmp(4, 9, 96, rows)) == "truncated");
  CHECK(Judge(Bmp(4, 4, 96, rows)) == "suspicious");
  CHECK(Judge(Bmp(4, 4, 0, rows)) == "ok");
  CHECK(Strict(Bmp(4, 4, 0, rows)) == "trailing-data");
}

TEST_CASE("PNM: samples that are missing or are none") {
  CHECK(Strict("P6 2 1 255\nabcdef") == "ok");
  CHECK(Judge("P6 2 1 255\nabcde") == "truncated");
  CHECK(Judge("P2 2 1 255\n1 2\n") == "ok");
  CHECK(Judge("P2 2 1 255\n1 256\n") == "corrupt");
  CHECK(Judge("P2 2 1 255\n1 x\n") == "corrupt");
  CHECK(Judge("P1 2 1\n1 2\n") == "corrupt");
  CHECK(Strict("P5 1 1 255\naP5 1 1 255\nb") == "ok");  // one picture after the other
  CHECK(Judge("P2 2 1 255\n1 2") == "ok");              // the last number needs no line end
  CHECK(Judge("P2 2 1 255\n1 2#5") == "ok");
  CHECK(Judge("P2 2 1 255\n1 2#a remark\n56\n") == "corrupt");  // is 256 to Pillow
  CHECK(Judge("P1 2 1\n10\nx\n") == "suspicious");  // Pillow refuses it, but has all pixels
  CHECK(Strict("P5 1 1 255\nab") == "trailing-data");
}

TEST_CASE("JPEG 2000: what would take memory by the header's word alone is refused") {
  const auto big32 = [](std::uint32_t value) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xFF);
    return text;
  };
  const auto stream = [&](std::uint32_t side, std::uint32_t tile) {
    return "\xFF\x4F\xFF\x51\0\x29\0\0"s + big32(side) + big32(side) + big32(0) + big32(0) +
           big32(tile) + big32(tile) + big32(0) + big32(0) + "\0\1\7\1\1"s;
  };
  CHECK(Judge(stream(15'000, 15'000)) == "too-large");
  CHECK(Judge(stream(15'000, 10)) == "too-large");
  CHECK(Judge(stream(60'000, 60'000)) == "too-large");
  CHECK(Judge(stream(100, 0)) == "corrupt");
  CHECK(Judge(stream(100, 100)) == "truncated");
}

}  // namespace
}  // namespace millrace
