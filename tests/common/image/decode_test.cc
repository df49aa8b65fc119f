// Files that mean harm, or have come to it: an error or a picture, never a crash, a hang or a large
// allocation. Run under the sanitizers too.
#include "common/image/decode.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace millrace {
namespace {

using namespace std::string_literals;
namespace fs = std::filesystem;

const fs::path kPictures = fs::path(MILLRACE_SOURCE_DIR) / "tests/golden/pictures";

std::string Read(const std::string& name) {
  std::ifstream file(kPictures / name, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), "cannot open ", name);
  return {std::istreambuf_iterator<char>(file), {}};
}

Result<Decoded> Decode(const std::string& file, const DecodeOptions& options = {}) {
  return DecodePicture(std::as_bytes(std::span(file.data(), file.size())), options);
}

std::string CodeOf(const std::string& file, const DecodeOptions& options = {}) {
  const auto decoded = Decode(file, options);
  return decoded ? "a picture" : std::string(ErrorCodeName(decoded.error().code));
}

std::string Big(std::uint32_t value, std::size_t size) {
  std::string text;
  for (std::size_t i = size; i-- > 0;) text += static_cast<char>(value >> (8 * i));
  return text;
}
std::string Little(std::uint32_t value, std::size_t size) {
  std::string text = Big(value, size);
  std::reverse(text.begin(), text.end());
  return text;
}

// `file` with its bytes from `at` on replaced.
std::string With(std::string file, std::size_t at, const std::string& bytes) {
  return file.replace(at, bytes.size(), bytes);
}

std::size_t FrameHeader(const std::string& jpeg) {
  for (const char* marker : {"\xFF\xC0", "\xFF\xC2"}) {
    const std::size_t at = jpeg.find(marker);
    if (at != std::string::npos) return at;
  }
  FAIL("a JPEG without a frame header");
  return 0;
}

long PeakKilobytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST_CASE("nothing, and what is no image, are told apart") {
  CHECK(CodeOf("") == "empty");
  CHECK(CodeOf("hello") == "not-an-image");
  CHECK(CodeOf(std::string(10'000, '\0')) == "not-an-image");
}

TEST_CASE("formats known by name are unsupported, with a cure") {
  const auto decoded = Decode("8BPS\0\1"s + std::string(30, '\0'));
  REQUIRE_FALSE(decoded.has_value());
  CHECK(decoded.error().code == ErrorCode::kUnsupportedFormat);
  CHECK(decoded.error().message.find("psd files: convert it") != std::string::npos);
}

TEST_CASE("a header that claims too much is refused before memory is taken") {
  const long before = PeakKilobytes();
  const std::string png = Read("size-64x48.png");
  CHECK(CodeOf(With(png, 16, Big(60'000, 4) + Big(60'000, 4))) == "too-large");
  CHECK(CodeOf(With(png, 16, Big(70'000, 4) + Big(2, 4))) == "too-large");
  CHECK(CodeOf(With(png, 16, Big(0x7FFFFFFF, 4) + Big(0x7FFFFFFF, 4))) == "too-large");
  CHECK(CodeOf(With(png, 16, Big(0xFFFFFFFF, 4) + Big(0xFFFFFFFF, 4))) == "too-large");
  CHECK(CodeOf(With(png, 16, Big(0, 4))) == "corrupt");
  const std::string jpeg = Read("size-64x48.jpg");
  CHECK(CodeOf(With(jpeg, FrameHeader(jpeg) + 5, Big(65'000, 2) + Big(65'000, 2))) == "too-large");
  const std::string bmp = Read("bmp-24.bmp");
  CHECK(CodeOf(With(bmp, 18, Little(60'000, 4) + Little(60'000, 4))) == "too-large");
  CHECK(CodeOf(With(bmp, 18, Little(0x7FFFFFFF, 4) + Little(1, 4))) == "too-large");
  CHECK(CodeOf(With(bmp, 18, Little(0, 4))) == "corrupt");
  // VP8X: the canvas less one, 24 bits a side; VP8L: 14 bits a side.
  const std::string webp = Read("webp-animated.webp");
  REQUIRE(webp.substr(12, 4) == "VP8X");
  CHECK(CodeOf(With(webp, 24, "\x5F\xEA\0\x5F\xEA\0"s)) == "too-large");
  const std::string lossless = Read("webp-lossless.webp");
  CHECK(CodeOf(With(lossless, 21, "\xFF\xFF\xFF\x0F"s)) == "too-large");
  CHECK(CodeOf("II*\0\x08\0\0\0\3\0"s + "\0\1\4\0\1\0\0\0"s + Little(60'000, 4) +
               "\1\1\4\0\1\0\0\0"s + Little(60'000, 4) + "\x11\1\4\0\1\0\0\0\x08\0\0\0"s +
               "\0\0\0\0"s) == "too-large");
  CHECK(CodeOf("P6\n# of a kind\n60000 60000\n255\n") == "too-large");
  CHECK(PeakKilobytes() - before < 64 * 1024);
}

TEST_CASE("the caps are inclusive, and of pixels, sides and bytes") {
  const std::string png = Read("size-64x48.png");
  CHECK(CodeOf(png, {.max_pixels = 64 * 48}) == "a picture");
  CHECK(CodeOf(png, {.max_pixels = 64 * 48 - 1}) == "too-large");
  CHECK(CodeOf(png, {.max_side = 64}) == "a picture");
  CHECK(CodeOf(png, {.max_side = 63}) == "too-large");
  CHECK(CodeOf(png, {.max_bytes = static_cast<std::int64_t>(png.size())}) == "a picture");
  CHECK(CodeOf(png, {.max_bytes = static_cast<std::int64_t>(png.size()) - 1}) == "too-large");
}

TEST_CASE("a JPEG with thousands of scans is refused") {
  const std::string jpeg = Read("jpeg-grey-progressive.jpg");
  // The last scan, over and over: each would cost another pass over the picture.
  const std::size_t scan = jpeg.rfind("\xFF\xDA");
  const std::string end = "\xFF\xD9";
  std::string bomb = jpeg.substr(0, jpeg.size() - end.size());
  const std::string again = bomb.substr(scan);
  for (int i = 0; i < 3000; ++i) bomb += again.substr(0, 10);
  const auto decoded = Decode(bomb + end);
  REQUIRE_FALSE(decoded.has_value());
  CHECK(decoded.error().message.find("scans") != std::string::npos);
}

TEST_CASE("a header cut short is an error that says so, wherever the cut is") {
  const std::string jpeg = Read("size-64x48.jpg");
  const std::size_t scan = jpeg.find("\xFF\xDA");
  for (std::size_t size = 3; size < scan; ++size)
    CHECK(CodeOf(jpeg.substr(0, size)) == "truncated");
  const std::string png = Read("size-64x48.png");
  for (std::size_t size = 8; size < png.find("IDAT") + 4; ++size) {
    CHECK(CodeOf(png.substr(0, size)) == "truncated");
  }
  const std::string bmp = Read("bmp-24.bmp");
  for (std::size_t size = 18; size < 54; ++size) CHECK(CodeOf(bmp.substr(0, size)) == "truncated");
  const std::string webp = Read("webp-lossy.webp");
  for (std::size_t size = 16; size < webp.size(); size += 7) {
    CHECK(CodeOf(webp.substr(0, size)) == "truncated");
  }
}

TEST_CASE("a checksum that is wrong in the header is corrupt, in the data it is nobody's concern") {
  const std::string png = Read("size-64x48.png");
  CHECK(CodeOf(With(png, 29, "\1\2\3\4")) == "corrupt");
  CHECK(CodeOf(Read("bad-checksum.png")) == "a picture");
}

TEST_CASE("turned and cut bytes never do more than fail") {
  std::mt19937 random(20240229);
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  // Small caps: what is looked for are crashes, not speed.
  const DecodeOptions options{.max_pixels = 4'000'000};
  int pictures = 0;
  int errors = 0;
  for (const auto& entry : fs::directory_iterator(kPictures)) {
    const std::string name = entry.path().filename().string();
    const std::string file = Read(name);
    if (file.size() > 12'000) continue;
    CAPTURE(name);
    for (int round = 0; round < 25; ++round) {
      std::string hurt = file;
      // Mostly the header: there lies the most of what can go wrong.
      const std::size_t reach =
          round % 3 == 0 ? hurt.size() : std::min<std::size_t>(700, hurt.size());
      for (std::size_t i = 0; i <= below(6); ++i)
        hurt[below(reach)] = static_cast<char>(below(256));
      if (round % 5 == 0) hurt.resize(below(hurt.size()) + 1);
      (Decode(hurt, options) ? pictures : errors) += 1;
    }
  }
  CHECK(pictures > 100);
  CHECK(errors > 100);
}

}  // namespace
}  // namespace millrace
