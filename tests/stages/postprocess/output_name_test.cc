#include "stages/postprocess/output_name.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace millrace {
namespace {

constexpr auto kSame = OutputFormat::kSame;

std::string Alone(std::string_view key, OutputFormat format,
                  OutputKind kind = OutputKind::kMasked) {
  return NameOutput(key, kind, true, format).key;
}

TEST_CASE("one output in the input's format has the input's path") {
  for (const char* key : {"a.jpg", "x/y.z/B.JPEG", "a.png", "a.webp", "a.bmp", "a.tif", "\xff.jpg",
                          "a.jpg.png", "photo.v2.png"}) {
    CHECK(Alone(key, kSame) == key);
    CHECK(Alone(key, kSame, OutputKind::kOverlay) == key);
  }
  CHECK(NameOutput("a.JPG", OutputKind::kMasked, true, kSame).format == FileFormat::kJpeg);
  CHECK(NameOutput("a.tiff", OutputKind::kMasked, true, kSame).format == FileFormat::kTiff);
}

TEST_CASE("a name without a known format keeps its path with PNG inside") {
  for (const char* key : {"a", "a.dat", ".jpg", "x.jpg/a"}) {
    CHECK(NameOutput(key, OutputKind::kMasked, true, kSame) == OutputName{key, FileFormat::kPng});
  }
}

TEST_CASE("a format that is not written here becomes PNG and says so") {
  CHECK(NameOutput("a.heic", OutputKind::kMasked, true, kSame) ==
        OutputName{"a.heic.png", FileFormat::kPng});
  CHECK(Alone("a.GIF", kSame) == "a.GIF.png");
  CHECK(Alone("a.heic.png", kSame) == "a.heic.png.png");
  CHECK(Alone("a.heic.png.png", kSame) == "a.heic.png.png.png");
}

TEST_CASE("a format for all appends its suffix to every name") {
  CHECK(Alone("a.jpg", OutputFormat::kPng) == "a.jpg.png");
  CHECK(Alone("a.png", OutputFormat::kPng) == "a.png.png");
  CHECK(Alone("a.jpg", OutputFormat::kJpeg) == "a.jpg.jpg");
  CHECK(Alone("a", OutputFormat::kWebp) == "a.webp");
}

TEST_CASE("masks and labels are PNG whatever the format") {
  for (const OutputFormat format : {kSame, OutputFormat::kJpeg, OutputFormat::kWebp}) {
    CHECK(NameOutput("a.jpg", OutputKind::kMask, true, format) ==
          OutputName{"a.jpg.png", FileFormat::kPng});
    CHECK(NameOutput("a.jpg", OutputKind::kLabels, false, format) ==
          OutputName{"a.jpg.labels.png", FileFormat::kPng});
  }
}

TEST_CASE("several outputs carry what they are and their format") {
  CHECK(NameOutput("x/a.JPEG", OutputKind::kMasked, false, kSame).key == "x/a.JPEG.masked.jpg");
  CHECK(NameOutput("a.gif", OutputKind::kOverlay, false, kSame).key == "a.gif.overlay.png");
  CHECK(NameOutput("a", OutputKind::kMasked, false, OutputFormat::kWebp).key == "a.masked.webp");
}

TEST_CASE("no two inputs ever meet on one output") {
  // All names of up to four of these, so that outputs of one look like another.
  const std::vector<std::string> pieces = {".jpg",  ".png",  ".PNG",    ".gif", ".heic",
                                           ".webp", ".mask", ".masked", ".dat", "a"};
  std::vector<std::string> keys = {"a", ".hidden"};
  for (std::size_t i = 0; i < keys.size() && keys.size() < 20'000; ++i) {
    for (const std::string& piece : pieces) keys.push_back(keys[i] + piece);
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  REQUIRE(keys.size() > 10'000);
  const std::vector<OutputKind> kinds = {OutputKind::kMasked, OutputKind::kMask,
                                         OutputKind::kLabels, OutputKind::kOverlay};
  for (const OutputFormat format :
       {kSame, OutputFormat::kPng, OutputFormat::kJpeg, OutputFormat::kWebp}) {
    for (const OutputKind kind : kinds) {
      std::map<std::string, std::string> from;
      for (const std::string& key : keys) {
        const auto [other, is_new] = from.emplace(Alone(key, format, kind), key);
        REQUIRE_MESSAGE(is_new, key << " meets " << other->second);
      }
    }
    std::map<std::string, std::string> from;
    for (const std::string& key : keys) {
      for (const OutputKind kind : kinds) {
        const auto [other, is_new] = from.emplace(NameOutput(key, kind, false, format).key, key);
        REQUIRE_MESSAGE(is_new, key << " meets " << other->second);
      }
    }
  }
}

}  // namespace
}  // namespace millrace
