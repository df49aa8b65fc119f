// The formats whose pixels are not promised to equal Pillow's: they decode to the right picture.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "common/image/decode.h"

namespace millrace {
namespace {

using namespace std::string_literals;

Result<Decoded> Decode(const std::string& file) {
  return DecodePicture(std::as_bytes(std::span(file.data(), file.size())), {});
}

std::string Read(const std::string& name) {
  std::ifstream file(std::string(MILLRACE_SOURCE_DIR) + "/tests/common/image/data/" + name,
                     std::ios::binary);
  REQUIRE_MESSAGE(file.good(), "cannot open ", name);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Pixels(const Picture& picture) {
  return {reinterpret_cast<const char*>(picture.bytes.data()), picture.bytes.size()};
}

// A field of a little-endian TIFF directory whose value fits into it.
std::string Field(int tag, int type, int value) {
  const auto byte = [](int number) { return std::string(1, static_cast<char>(number)); };
  return byte(tag) + byte(tag >> 8) + byte(type) + "\0\1\0\0\0"s + byte(value) + byte(value >> 8) +
         "\0\0"s;
}

// 2x1 RGB pixels, uncompressed, with this orientation.
std::string Tiff(int orientation, const std::string& pixels) {
  constexpr int kShort = 3;
  constexpr int kLong = 4;
  const std::string fields = Field(256, kLong, 2) + Field(257, kLong, 1) + Field(258, kShort, 8) +
                             Field(259, kShort, 1) + Field(262, kShort, 2) +
                             Field(273, kLong, 134) + Field(274, kShort, orientation) +
                             Field(277, kShort, 3) + Field(278, kLong, 1) + Field(279, kLong, 6);
  return "II*\0\x08\0\0\0\x0A\0"s + fields + "\0\0\0\0"s + pixels;
}

TEST_CASE("a PNM decodes, with comments in its header") {
  const auto decoded = Decode("P6\n# made by hand\n2 1\n255\nabcdef"s);
  REQUIRE_MESSAGE(decoded.has_value(), decoded.error().message);
  CHECK(decoded->format == ImageFormat::kPnm);
  CHECK(decoded->picture.mode == PixelMode::kRGB);
  CHECK(decoded->picture.width == 2);
  CHECK(Pixels(decoded->picture) == "abcdef");
}

TEST_CASE("a PNM that ends within its pixels keeps the whole rows before, and fails where asked") {
  for (const std::string& file :
       {"P6\n2 2\n100\nabcdefghijk"s, "P2\n2 2\n100\n1 2 3"s, "P1\n2 2\n110"s,
        "P5\n2 2\n1023\nabcdefg"s, "P2\n2 2\n100\n1 2 3 101"s, "P3\n2 2\n9\n1 2 3 4 5 6 x"s}) {
    CAPTURE(file);
    const auto decoded = Decode(file);
    REQUIRE_MESSAGE(decoded.has_value(), decoded.error().message);
    CHECK(decoded->warnings == std::vector<std::string>{kWarningTruncated});
    CHECK(decoded->picture.height == 2);
    const bool bad = file.ends_with("101") || file.ends_with("x");
    const auto refused = DecodePicture(std::as_bytes(std::span(file.data(), file.size())),
                                       {.accept_truncated = false});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == (bad ? ErrorCode::kCorrupt : ErrorCode::kTruncated));
  }
  CHECK(Decode("P5\n2 2\n"s).error().code == ErrorCode::kTruncated);
  CHECK(Decode("P5\n2 2\n0\nabcd"s).error().code == ErrorCode::kCorrupt);
  CHECK(Decode("P5\n2 2\n65536\nabcdabcd"s).error().code == ErrorCode::kCorrupt);
}

TEST_CASE("a TIFF decodes, turned as its orientation says") {
  const std::string upright = Tiff(1, "abcdef");
  REQUIRE(upright.size() == 134 + 6);
  const auto decoded = Decode(upright);
  REQUIRE_MESSAGE(decoded.has_value(), decoded.error().message);
  CHECK(decoded->picture.mode == PixelMode::kRGB);
  CHECK(Pixels(decoded->picture) == "abcdef");
  const auto turned = Decode(Tiff(3, "abcdef"));
  REQUIRE_MESSAGE(turned.has_value(), turned.error().message);
  CHECK(Pixels(turned->picture) == "defabc");
  CHECK(turned->orientation == 1);  // nothing is left to be done
}

TEST_CASE("a TIFF whose directory lies behind its end is truncated") {
  CHECK(Decode("II*\0\xFF\xFF\xFF\x7F"s).error().code == ErrorCode::kTruncated);
  CHECK(Decode("II+\0\x08\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s).error().code ==
        ErrorCode::kTruncated);
}

// What Pillow opens in mode I;16B and does not resize, and what it does not open.
TEST_CASE(
    "a TIFF of 16-bit grey with the high byte first is I;16, a BigTIFF of that order is read") {
  const std::string tail =
      "\x01\0\0\3\0\0\0\1\0\2\0\0\x01\1\0\3\0\0\0\1\0\1\0\0\x01\2\0\3\0\0\0\1\0\x10\0\0"s
      "\x01\6\0\3\0\0\0\1\0\1\0\0\x01\x11\0\4\0\0\0\1\0\0\0\x4A\0\0\0\0"s;
  const auto classic = Decode("MM\0*\0\0\0\x08\0\5"s + tail + "\x12\x34\xFF\1"s);
  REQUIRE_MESSAGE(classic.has_value(), classic.error().message);
  CHECK(classic->picture.mode == PixelMode::kI16);
  const std::uint16_t grey[2] = {0x1234, 0xFF01};
  CHECK(Pixels(classic->picture) == std::string(reinterpret_cast<const char*>(grey), 4));
  const auto field = [](char tag, char type, const std::string& value) {
    return "\1"s + tag + "\0"s + type + "\0\0\0\0\0\0\0\1"s + value +
           std::string(8 - value.size(), '\0');
  };
  const std::string fields = field(0, 3, "\0\2"s) + field(1, 3, "\0\1"s) + field(2, 3, "\0\x08"s) +
                             field(6, 3, "\0\1"s) + field(17, 16, "\0\0\0\0\0\0\0\x84"s);
  const auto big = Decode("MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\5"s + fields +
                          std::string(8, '\0') + "ab");
  REQUIRE_MESSAGE(big.has_value(), big.error().message);
  CHECK(Pixels(big->picture) == "ab");
}

TEST_CASE("a TIFF of a mode that has no place here is unsupported, with a cure") {
  const std::string fields = Field(256, 4, 1) + Field(257, 4, 1) + Field(258, 3, 32) +
                             Field(262, 3, 1) + Field(273, 4, 8) + Field(339, 3, 3);
  const auto decoded = Decode("II*\0\x08\0\0\0\6\0"s + fields + "\0\0\0\0"s);
  REQUIRE_FALSE(decoded.has_value());
  CHECK(decoded.error().code == ErrorCode::kUnsupportedFormat);
  CHECK(decoded.error().message.find("mode F") != std::string::npos);
  CHECK(decoded.error().message.find("convert it to") != std::string::npos);
}

std::string Big(std::uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xFF);
  return text;
}

// A JPEG 2000 code stream that ends behind its size.
std::string CodeStream(std::uint32_t side) {
  return "\xFF\x4F\xFF\x51\0\x29\0\0"s + Big(side) + Big(side) + Big(0) + Big(0);
}

// All of these are beyond what OpenCV itself takes, which would call them corrupt.
TEST_CASE(
    "the caps are checked against the sides that the decoder will find, not against a decoy") {
  const auto code_of = [](const std::string& file) {
    const auto decoded = Decode(file);
    REQUIRE_FALSE(decoded.has_value());
    return decoded.error().code;
  };
  SUBCASE("PNM: a carriage return ends a comment") {
    CHECK(code_of("P5 #\r60000 60000 255 \n 1 1 255 \n.") == ErrorCode::kTooLarge);
  }
  SUBCASE("PNM: a number that a comment touches") {
    CHECK(code_of("P5 #\n60000 600#1\n00 255 .") == ErrorCode::kTooLarge);
    CHECK(Decode("P5 #\n1 1#60000\n 255 .")->picture.height == 1);
  }
  SUBCASE("PNM: a number of any length is large") {
    CHECK(code_of("P5 1 99999999999999999999999 255 .") == ErrorCode::kTooLarge);
  }
  SUBCASE("TIFF: the first of two widths counts") {
    const std::string fields =
        Field(256, 3, 60000) + Field(256, 3, 1) + Field(257, 3, 60000) + Field(273, 4, 8);
    CHECK(code_of("II*\0\x08\0\0\0\4\0"s + fields + "\0\0\0\0"s) == ErrorCode::kTooLarge);
  }
  SUBCASE("TIFF: a width of two numbers is none") {
    std::string width = Field(256, 3, 1);
    width[4] = 2;
    const std::string fields = width + Field(257, 3, 60000);
    CHECK(code_of("II*\0\x08\0\0\0\2\0"s + fields + "\0\0\0\0"s) == ErrorCode::kCorrupt);
  }
  SUBCASE("JPEG 2000: a code stream inside another box") {
    const auto box = [](const std::string& type, const std::string& data) {
      return Big(static_cast<std::uint32_t>(8 + data.size())) + type + data;
    };
    const std::string start = box("jP  ", "\r\n\x87\n") + box("ftyp", "jp2 \0\0\0\0jp2 "s);
    CHECK(code_of(start + box("uuid", CodeStream(1)) + box("jp2c", CodeStream(60000))) ==
          ErrorCode::kTooLarge);
    CHECK(code_of(start + box("uuid", CodeStream(60000)) + box("jp2c", CodeStream(1))) ==
          ErrorCode::kCorrupt);
    CHECK(code_of(CodeStream(60000)) == ErrorCode::kTooLarge);
  }
}

TEST_CASE("HEIC and AVIF decode where their library is, else fail by the package's name") {
  for (const char* name : {"two-colours.heic", "two-colours.avif"}) {
    CAPTURE(name);
    const auto decoded = Decode(Read(name));
    if (!decoded) {
      CHECK(decoded.error().code == ErrorCode::kUnsupportedFormat);
      CHECK(decoded.error().message.find("install libheif-") != std::string::npos);
      continue;
    }
    const Picture& picture = decoded->picture;
    REQUIRE(picture.mode == PixelMode::kRGB);
    REQUIRE(picture.width == 64);
    REQUIRE(picture.height == 48);
    const auto near = [&](int x, int red, int green, int blue) {
      const std::uint8_t* pixel = picture.row(24) + 3 * x;
      return std::abs(pixel[0] - red) < 8 && std::abs(pixel[1] - green) < 8 &&
             std::abs(pixel[2] - blue) < 8;
    };
    CHECK(near(8, 200, 40, 60));
    CHECK(near(56, 30, 160, 90));
  }
}

TEST_CASE("a HEIC that is cut or hurt is an error") {
  const std::string whole = Read("two-colours.heic");
  for (std::size_t size = 24; size + 40 < whole.size(); size += 16) {
    const auto decoded = Decode(whole.substr(0, size));
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().message.find('\n') == std::string::npos);  // reasons are of one line
  }
}

}  // namespace
}  // namespace millrace
