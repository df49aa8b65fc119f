// Compares with Pillow: tests/golden/goldens.json holds the hashes of Pillow's pixels.
#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/image/decode_resized.h"
#include "common/image/transpose.h"

namespace millrace {
namespace {

const std::string kFolder = std::string(MILLRACE_SOURCE_DIR) + "/tests/golden/";

std::vector<std::byte> Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), "cannot open ", path);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto span = std::as_bytes(std::span(bytes.data(), bytes.size()));
  return {span.begin(), span.end()};
}

std::string Sha256(const PixelBytes& bytes) {
  std::array<unsigned char, 32> hash = {};
  unsigned length = 0;
  EVP_Digest(bytes.data(), bytes.size(), hash.data(), &length, EVP_sha256(), nullptr);
  std::string text;
  for (const unsigned char byte : hash) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

Picture Copy(const Picture& picture) {
  return ResizeLikePillow(picture, {picture.width, picture.height}, PassOrder::k13);
}

std::string HashAt(const Picture& picture, PixelSize size) {
  return Sha256(ToRgb(ResizeLikePillow(picture, size, PassOrder::k13)).bytes);
}

const nlohmann::json& Goldens() {
  static const nlohmann::json kGoldens = [] {
    std::ifstream file(kFolder + "goldens.json");
    return nlohmann::json::parse(file);
  }();
  return kGoldens;
}

TEST_CASE("the goldens are those of the reference version, and many") {
  CHECK(Goldens()["pillow"] == "13.0.0");
  CHECK(Goldens()["pictures"].size() >= 60);
}

TEST_CASE("every golden picture decodes to Pillow's pixels, in Pillow's mode") {
  for (const auto& [name, golden] : Goldens()["pictures"].items()) {
    CAPTURE(name);
    const auto decoded = DecodePicture(Read(kFolder + "pictures/" + name), {});
    REQUIRE_MESSAGE(decoded.has_value(), decoded.error().message);
    CHECK(std::string(PixelModeName(decoded->picture.mode)) == golden["mode"].get<std::string>());
    CHECK(decoded->picture.width == golden["width"].get<int>());
    CHECK(decoded->picture.height == golden["height"].get<int>());
    CHECK(decoded->orientation == golden["orientation"].get<int>());
    CHECK(Sha256(ToRgb(Copy(decoded->picture)).bytes) == golden["decoded"].get<std::string>());
  }
}

TEST_CASE("every golden picture resizes to Pillow's pixels") {
  for (const auto& [name, golden] : Goldens()["pictures"].items()) {
    CAPTURE(name);
    const auto decoded = DecodePicture(Read(kFolder + "pictures/" + name), {});
    REQUIRE_MESSAGE(decoded.has_value(), decoded.error().message);
    CHECK(HashAt(decoded->picture, {512, 512}) == golden["resized"].get<std::string>());
    for (const auto& [key, hash] : golden.items()) {
      PixelSize size;
      if (std::sscanf(key.c_str(), "resized_%dx%d", &size.width, &size.height) != 2) continue;
      CAPTURE(key);
      CHECK(HashAt(decoded->picture, size) == hash.get<std::string>());
    }
  }
}

TEST_CASE("decoding and resizing in one go gives the same pixels") {
  for (const auto& [name, golden] : Goldens()["pictures"].items()) {
    CAPTURE(name);
    const auto file = Read(kFolder + "pictures/" + name);
    for (const auto& [key, hash] : golden.items()) {
      ResizeOptions options;
      if (key != "resized" && std::sscanf(key.c_str(), "resized_%dx%d", &options.size.width,
                                          &options.size.height) != 2) {
        continue;
      }
      CAPTURE(key);
      const auto resized = DecodeResized(file, {}, options);
      REQUIRE_MESSAGE(resized.has_value(), resized.error().message);
      CHECK(Sha256(resized->picture.bytes) == hash.get<std::string>());
      CHECK(resized->width == golden["width"].get<int>());
      CHECK(resized->height == golden["height"].get<int>());
      CHECK(std::string(PixelModeName(resized->mode)) == golden["mode"].get<std::string>());
      CHECK(resized->warnings.empty() == !golden["truncated"].get<bool>());
    }
  }
}

TEST_CASE("a picture turned by its EXIF orientation equals Pillow's exif_transpose") {
  int turned = 0;
  for (const auto& [name, golden] : Goldens()["pictures"].items()) {
    if (!golden.contains("transposed")) continue;
    CAPTURE(name);
    auto decoded = DecodePicture(Read(kFolder + "pictures/" + name), {});
    REQUIRE(decoded.has_value());
    const Picture upright = Oriented(std::move(decoded->picture), decoded->orientation);
    CHECK(Sha256(ToRgb(Copy(upright)).bytes) == golden["transposed"].get<std::string>());
    ++turned;
  }
  CHECK(turned >= 5);
}

TEST_CASE(
    "a file that Pillow calls truncated carries the warning, and fails where none may be cut") {
  for (const auto& [name, golden] : Goldens()["pictures"].items()) {
    CAPTURE(name);
    const auto file = Read(kFolder + "pictures/" + name);
    const bool truncated = golden["truncated"].get<bool>();
    const auto accepted = DecodePicture(file, {});
    REQUIRE(accepted.has_value());
    const bool warned = accepted->warnings == std::vector<std::string>{kWarningTruncated};
    CHECK(warned == truncated);
    const auto refused = DecodePicture(file, {.accept_truncated = false});
    CHECK(refused.has_value() == !truncated);
    if (!refused && name.starts_with("cut-")) {
      CHECK(ErrorCodeName(refused.error().code) == "truncated");
    }
  }
}

TEST_CASE("with the older order of passes a tall picture differs, a wide one does not") {
  const auto differs = [](const std::string& name) {
    const auto decoded = DecodePicture(Read(kFolder + "pictures/" + name), {});
    REQUIRE(decoded.has_value());
    const Picture older = ToRgb(ResizeLikePillow(decoded->picture, {512, 512}, PassOrder::kOlder));
    return Sha256(older.bytes) != Goldens()["pictures"][name]["resized"].get<std::string>();
  };
  CHECK(differs("size-1080x1920.jpg"));
  CHECK_FALSE(differs("size-1920x1080.jpg"));
}

}  // namespace
}  // namespace millrace
