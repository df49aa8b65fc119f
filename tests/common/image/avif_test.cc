// AVIF: compared with Pillow's pixels (tests/golden/avif), and how HEIF is turned.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/image/decode_resized.h"
#include "common/image/decoders.h"
#include "common/image/heif_primary.h"
#include "common/image/transpose.h"

namespace millrace {
namespace {

const std::string kFolder = std::string(MILLRACE_SOURCE_DIR) + "/tests/golden/avif/";

std::vector<std::byte> Read(const std::string& name) {
  std::ifstream file(kFolder + name, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), "cannot open ", name);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto span = std::as_bytes(std::span(bytes.data(), bytes.size()));
  return {span.begin(), span.end()};
}

Picture Pixels(const std::string& name) {
  auto decoded = DecodePicture(Read(name), {});
  REQUIRE_MESSAGE(decoded.has_value(), decoded.error().message);
  return std::move(decoded->picture);
}

nlohmann::json Goldens() {
  std::ifstream file(kFolder + "avif.json");
  return nlohmann::json::parse(file)["pictures"];
}

// By how many levels two pictures of one size and mode differ at most.
int Distance(const Picture& a, const Picture& b) {
  REQUIRE(a.mode == b.mode);
  REQUIRE(a.width == b.width);
  REQUIRE(a.height == b.height);
  int most = 0;
  for (std::size_t i = 0; i < a.bytes.size(); ++i) {
    most = std::max(most, std::abs(a.bytes.data()[i] - b.bytes.data()[i]));
  }
  return most;
}

bool Same(const Picture& a, const Picture& b) {
  return a.mode == b.mode && a.width == b.width && a.height == b.height &&
         std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0;
}

Decoded ByLibheif(const std::string& name) {
  auto decoded = DecodeHeif(Read(name), {}, ImageFormat::kAvif);
  REQUIRE_MESSAGE(decoded.has_value(), decoded.error().message);
  return std::move(*decoded);
}

TEST_CASE("an AVIF has Pillow's pixels within 2 levels, its mode and its orientation") {
  const auto goldens = Goldens();
  REQUIRE(goldens.size() >= 30);
  for (const auto& [name, golden] : goldens.items()) {
    CAPTURE(name);
    const auto decoded = DecodePicture(Read(name), {});
    REQUIRE_MESSAGE(decoded.has_value(), decoded.error().message);
    CHECK(std::string(PixelModeName(decoded->picture.mode)) == golden["mode"].get<std::string>());
    CHECK(decoded->orientation == golden["orientation"].get<int>());
    const std::string pixels = name.substr(0, name.size() - 4) + "png";
    CHECK(Distance(decoded->picture, Pixels(pixels)) <= 2);
  }
}

TEST_CASE("an AVIF that is cut short or over a cap is an error") {
  const auto whole = Read("rgb-420-8.avif");
  for (std::size_t size = 40; size < whole.size(); size += 60) {
    CAPTURE(size);
    CHECK_FALSE(DecodePicture(std::span(whole).first(size), {}).has_value());
  }
  const auto code = [&](const DecodeOptions& options) {
    return DecodePicture(whole, options).error().code;
  };
  CHECK(code({.max_pixels = 67 * 49 - 1}) == ErrorCode::kTooLarge);
  CHECK(code({.max_side = 66}) == ErrorCode::kTooLarge);
  CHECK(DecodePicture(whole, {.max_pixels = 67 * 49, .max_side = 67}).has_value());
}

TEST_CASE("orientations compose and undo each other as turning twice does") {
  Picture picture = Picture::Uninitialized(PixelMode::kL, 3, 2);
  std::memcpy(picture.bytes.data(), "abcdef", 6);
  const auto turned = [&](int orientation) {
    return Oriented(ResizeLikePillow(picture, {3, 2}, PassOrder::k13), orientation);
  };
  for (int first = 1; first <= 8; ++first) {
    CAPTURE(first);
    CHECK(Composed(first, Inverse(first)) == 1);
    for (int second = 1; second <= 8; ++second) {
      CAPTURE(second);
      CHECK(Same(Oriented(turned(first), second), turned(Composed(first, second))));
    }
  }
}

TEST_CASE("libheif's pictures are as they are stored too, with the orientation beside them") {
  const Picture stored = ByLibheif("rgb-420-8.avif").picture;
  const auto goldens = Goldens();
  for (const auto& [name, golden] : goldens.items()) {
    if (!name.starts_with("turned-")) continue;
    CAPTURE(name);
    const Decoded decoded = ByLibheif(name);
    CHECK(Same(decoded.picture, stored));
    CHECK(decoded.orientation == golden["orientation"].get<int>());
  }
}

TEST_CASE("libheif crops a picture that is to be cropped, before it is turned") {
  const Picture whole = Pixels("cropped-444.png");
  for (const char* name : {"cropped-444.avif", "cropped-mirrored-444.avif"}) {
    CAPTURE(name);
    const Decoded decoded = ByLibheif(name);
    CHECK(decoded.orientation == Goldens()[name]["orientation"].get<int>());
    REQUIRE(decoded.picture.width == 32);
    REQUIRE(decoded.picture.height == 24);
    int most = 0;
    for (int y = 0; y < 24; ++y) {
      for (int i = 0; i < 3 * 32; ++i) {
        most = std::max(most, std::abs(decoded.picture.row(y)[i] - whole.row(y + 8)[i + 3 * 8]));
      }
    }
    CHECK(most <= 3);
  }
}

TEST_CASE("any bytes are read for a HEIF's primary picture") {
  const auto whole = Read("turned-11.avif");
  CHECK(ReadHeifPrimary(whole).orientation == 7);
  CHECK(ReadHeifPrimary(whole).width == 67);
  for (std::size_t size = 0; size < 600; ++size) {
    ReadHeifPrimary(std::span(whole).first(size));
    auto spoilt = whole;
    spoilt[size] ^= std::byte{0xFF};
    const int orientation = ReadHeifPrimary(spoilt).orientation;
    CHECK((orientation >= 1 && orientation <= 8));
  }
}

}  // namespace
}  // namespace millrace
