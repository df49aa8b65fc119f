// Where docs/pixels.md says that pixels are not Pillow's: what they are instead.
#include <doctest/doctest.h>
// Before jpeglib.h, which needs FILE.
#include <cstdio>
//
#include <jpeglib.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "common/image/decode_resized.h"

namespace millrace {
namespace {

std::string Read(const std::string& name) {
  std::ifstream file(std::string(MILLRACE_SOURCE_DIR) + "/tests/golden/" + name, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), "cannot open ", name);
  return {std::istreambuf_iterator<char>(file), {}};
}

Result<Decoded> Decode(const std::string& file) {
  return DecodePicture(std::as_bytes(std::span(file.data(), file.size())), {});
}

Decoded Opened(const std::string& name) {
  auto decoded = Decode(Read(name));
  REQUIRE_MESSAGE(decoded.has_value(), decoded.error().message);
  return std::move(*decoded);
}

bool Same(const Picture& a, const Picture& b) {
  return a.mode == b.mode && a.width == b.width && a.height == b.height &&
         std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0;
}

TEST_CASE("16-bit grey TIFF is resized the same whichever byte comes first") {
  const Picture big = Opened("exceptions/grey-16-big-endian.tif").picture;
  const Picture little = Opened("pictures/tiff-grey-16.tif").picture;
  CHECK(Same(big, little));
  for (const PixelSize size : {PixelSize{512, 512}, PixelSize{9, 9}, PixelSize{45, 11}}) {
    CHECK(Same(ResizeLikePillow(big, size, PassOrder::k13),
               ResizeLikePillow(little, size, PassOrder::k13)));
  }
}

TEST_CASE("a planar grey TIFF keeps its alpha, compressed or not") {
  const Picture interleaved = Opened("pictures/tiff-grey-alpha.tif").picture;
  CHECK(Same(Opened("exceptions/planar-grey-alpha.tif").picture, interleaved));
  CHECK(Same(Opened("exceptions/planar-grey-alpha-deflate.tif").picture, interleaved));
}

TEST_CASE("a TIFF of Pillow's modes F, I, LAB and YCbCr is unsupported, and the mode is named") {
  for (const std::string mode : {"F", "I", "LAB", "YCbCr"}) {
    CAPTURE(mode);
    const auto decoded = Decode(Read("exceptions/mode-" + mode + ".tif"));
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == ErrorCode::kUnsupportedFormat);
    CHECK(decoded.error().message.find("in mode " + mode + " is not read") != std::string::npos);
  }
}

TEST_CASE("a progressive JPEG that lacks scans says where smoothing makes it differ from Pillow") {
  using Warnings = std::vector<std::string>;
  const auto warnings = [](const std::string& name, std::size_t percent) {
    const std::string whole = Read("pictures/" + name);
    const auto decoded = Decode(whole.substr(0, whole.size() * percent / 100));
    REQUIRE_MESSAGE(decoded.has_value(), decoded.error().message);
    return decoded->warnings;
  };
#if LIBJPEG_TURBO_VERSION_NUMBER >= 3000001
  const Warnings differs = {kWarningTruncated};
#else
  const Warnings differs = {kWarningTruncated, kWarningSmoothing};
#endif
  const Warnings equal = {kWarningTruncated};
  CHECK(warnings("jpeg-420-progressive.jpg", 20) == differs);
  CHECK(warnings("jpeg-420-progressive.jpg", 40) == differs);
  // All scans have begun: nothing is left to guess.
  CHECK(warnings("jpeg-420-progressive.jpg", 98) == equal);
  CHECK(warnings("jpeg-420-progressive.jpg", 100).empty());
  // One row of blocks in a row of MCUs.
  CHECK(warnings("jpeg-444-progressive.jpg", 40) == equal);
  CHECK(warnings("jpeg-422-progressive.jpg", 40) == equal);
  CHECK(warnings("jpeg-grey-progressive.jpg", 40) == equal);
  CHECK(warnings("jpeg-420.jpg", 40) == equal);
}

}  // namespace
}  // namespace millrace
