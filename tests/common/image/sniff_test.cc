#include "common/image/sniff.h"

#include <doctest/doctest.h>

#include <string>

namespace millrace {
namespace {

using namespace std::string_literals;

std::optional<ImageFormat> Sniff(const std::string& text) {
  return SniffFormat(std::as_bytes(std::span(text.data(), text.size())));
}

TEST_CASE("a file is known by its first bytes") {
  CHECK(Sniff("\xFF\xD8\xFF\xE0"s) == ImageFormat::kJpeg);
  CHECK(Sniff("\x89PNG\r\n\x1A\n"s) == ImageFormat::kPng);
  CHECK(Sniff("RIFF\x10\0\0\0WEBPVP8 "s) == ImageFormat::kWebp);
  CHECK(Sniff("BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"s) == ImageFormat::kBmp);
  CHECK(Sniff("II*\0\x08\0\0\0"s) == ImageFormat::kTiff);
  CHECK(Sniff("MM\0*\0\0\0\x08"s) == ImageFormat::kTiff);
  CHECK(Sniff("GIF89a"s) == ImageFormat::kGif);
  CHECK(Sniff("P5\n# a comment\n3 4\n255\n"s) == ImageFormat::kPnm);
  CHECK(Sniff("P6 3 4 255\n"s) == ImageFormat::kPnm);
  CHECK(Sniff("\0\0\0\x18"
              "ftypheic\0\0\0\0mif1heic"s) == ImageFormat::kHeic);
  CHECK(Sniff("\0\0\0\x1C"
              "ftypmif1\0\0\0\0mif1avifmiaf"s) == ImageFormat::kAvif);
}

TEST_CASE("text that begins like a signature is no image") {
  CHECK_FALSE(Sniff("").has_value());
  CHECK_FALSE(Sniff("BMW builds motor cycles, and cars too.").has_value());
  CHECK_FALSE(Sniff("P5 of the report says otherwise").has_value());
  CHECK_FALSE(Sniff("P3 2019 was a good year").has_value());
  CHECK_FALSE(Sniff("RIFF\x10\0\0\0WAVEfmt "s).has_value());
  CHECK_FALSE(Sniff("\0\0\0\x18"
                    "ftypisom\0\0\0\0isommp41"s)
                  .has_value());
  CHECK_FALSE(Sniff("\xFF\xD8").has_value());
  CHECK_FALSE(Sniff(std::string(kSniffBytes, '\0')).has_value());
}

TEST_CASE("every prefix of a signature is handled") {
  const std::string whole =
      "\0\0\0\x1C"
      "ftypmif1\0\0\0\0mif1avifmiaf"s;
  for (std::size_t n = 0; n < 20; ++n) CHECK(Sniff(whole.substr(0, n)) != ImageFormat::kAvif);
}

TEST_CASE("a name is like an image's by its extension, in any case of letters") {
  CHECK(NamedLikeAnImage("a/b.jpg"));
  CHECK(NamedLikeAnImage("IMG_0001.JPEG"));
  CHECK(NamedLikeAnImage("\xFF\xFE.Heic"));
  CHECK_FALSE(NamedLikeAnImage("a.jpg/readme.txt"));
  CHECK_FALSE(NamedLikeAnImage("readme"));
  CHECK_FALSE(NamedLikeAnImage(".png"));
  CHECK_FALSE(NamedLikeAnImage("a.jpg "));
  CHECK_FALSE(NamedLikeAnImage(""));
}

TEST_CASE("an extension with other common uses makes no file an image, and still names a format") {
  for (const char* name : {"scene.hdr", "a.DDS", "a.psd", "favicon.ico", "a.pgm"}) {
    CHECK_FALSE(NamedLikeAnImage(name));
    CHECK(FormatOfName(name));
  }
  for (const char* name : {"a.dat", "a.raw", "a.img", "a.bin"}) {
    CHECK_FALSE(NamedLikeAnImage(name));
    CHECK_FALSE(FormatOfName(name));
  }
}

TEST_CASE("a file that other programs may read as a picture is not said to be none") {
  const auto looks = [](std::string_view text) {
    return LooksLikeOtherPicture(std::as_bytes(std::span(text)));
  };
  using namespace std::string_view_literals;
  // TGA, 64x48, 24 bits; a BMP without its file header.
  CHECK(looks("\0\0\2\0\0\0\0\0\0\0\0\0\x40\0\x30\0\x18\x20"sv));
  CHECK(looks("\x28\0\0\0\x40\0\0\0\x30\0\0\0\1\0\x18\0\0\0"sv));
  CHECK(looks("%!PS-Adobe-3.0 EPSF-3.0"sv));
  CHECK_FALSE(looks("hello, this is a text of some length"sv));
  CHECK_FALSE(looks("<html><body>404 not found</body></html>"sv));
  CHECK_FALSE(looks("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv));
  CHECK_FALSE(looks(""));
}

}  // namespace
}  // namespace millrace
