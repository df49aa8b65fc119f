// What is found in HEIF files. The pictures are those of decode_test.cc.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "common/image/inspect.h"
#include "common/image/inspect/hevc_data.h"

namespace millrace {
namespace {

using namespace std::string_literals;

std::string Picture(const std::string& name) {
  const auto path = std::filesystem::path(MILLRACE_SOURCE_DIR) / "tests/common/image/data" / name;
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string CodeOf(const std::string& file, InspectLevel level = InspectLevel::kDecode,
                   InspectOptions options = {}) {
  options.level = level;
  const auto finding = Inspect(std::as_bytes(std::span(file)), "", options).finding;
  return finding ? std::string(ErrorCodeName(finding->code)) : "ok";
}

TEST_CASE("HEIF: whole, cut and with bytes behind it, where this build reads it") {
  for (const char* name : {"two-colours.avif", "two-colours.heic"}) {
    CAPTURE(name);
    const std::string file = Picture(name);
    // Without libheif, or without its plugin for the format.
    if (CodeOf(file) == "unsupported-format") continue;
    CHECK(CodeOf(file, InspectLevel::kOpen) == "ok");
    CHECK(CodeOf(file, InspectLevel::kStrict) == "ok");
    CHECK(CodeOf(file.substr(0, file.size() - 10)) == "truncated");
    CHECK(CodeOf(file + "some text") == "ok");
    CHECK(CodeOf(file + "\0\0\0\0\0\0\0\0\0\0\0\0"s, InspectLevel::kStrict) == "trailing-data");
    CHECK(CodeOf(file + "some text", InspectLevel::kStrict) == "trailing-data");
    CHECK(CodeOf(file, InspectLevel::kOpen, {.max_pixels = 1}) == "too-large");
    CHECK(CodeOf(file, InspectLevel::kDecode, {.max_total_pixels = 1}) == "too-large");
    // Tracks, which are not read, be the file cut or not.
    const std::string sequence = file + "\0\0\0\10moov"s + "\0\0\1\0mdat"s;
    CHECK(CodeOf(sequence, InspectLevel::kOpen) == "unsupported-format");
    CHECK(CodeOf(sequence + std::string(0x100 - 8, 'x')) == "unsupported-format");
  }
}

bool HasForbiddenZeros(const std::string& nal_unit) {
  return FindForbiddenZeros(std::as_bytes(std::span(nal_unit.data(), nal_unit.size()))).has_value();
}

TEST_CASE("HEVC: 00 00 is followed by 03 or more, up to the zeros at the end") {
  CHECK(HasForbiddenZeros("ab\0\0\0cd"s));
  CHECK(HasForbiddenZeros("ab\0\0\1cd"s));
  CHECK(HasForbiddenZeros("ab\0\0\2"s));
  CHECK_FALSE(HasForbiddenZeros("ab\0\0\3cd"s));
  CHECK_FALSE(HasForbiddenZeros("ab\0\0\4cd"s));
  CHECK_FALSE(HasForbiddenZeros("ab\0c\0\0d"s));
  CHECK_FALSE(HasForbiddenZeros("ab\0\0\3\0\0\3"s));  // cabac_zero_words
  CHECK_FALSE(HasForbiddenZeros("abcd\0\0\0\0"s));
  CHECK(HasForbiddenZeros("ab\0\0\0\0cd\0\0\0\0"s));
  CHECK_FALSE(HasForbiddenZeros(""s));
  CHECK_FALSE(HasForbiddenZeros("\0\0\0"s));
}

TEST_CASE("a HEIC with a hole of zeros in its data is corrupt, by proof") {
  const std::string file = Picture("two-colours.heic");
  if (CodeOf(file) == "unsupported-format") return;  // this build reads no HEIC
  const std::size_t data = file.find("mdat") + 4;
  REQUIRE(data < file.size());
  int found = 0;
  int holes = 0;
  // Behind the NAL unit's length and header.
  for (std::size_t at = data + 16; at + 12 < file.size(); at += 5, ++holes) {
    CAPTURE(at);
    std::string hurt = file;
    hurt.replace(at, 8, 8, '\0');
    const std::string code = CodeOf(hurt);
    found += code == "corrupt" ? 1 : 0;
  }
  REQUIRE(holes >= 5);
  CHECK(found == holes);
}

}  // namespace
}  // namespace millrace
