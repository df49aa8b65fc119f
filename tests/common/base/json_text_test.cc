#include "common/base/json_text.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace millrace {
namespace {

using namespace std::string_literals;

TEST_CASE("valid UTF-8 stands in JSON as it is") {
  CHECK(JsonEscapeBytes("Größe/日本/🙂.jpg") == "Größe/日本/🙂.jpg");
}

TEST_CASE("quotes, backslashes and control characters are escaped") {
  CHECK(JsonEscapeBytes("a\"b\\c\n\t\r\x01\x7f"s) == "a\\\"b\\\\c\\n\\t\\r\\u0001\\u007f");
  CHECK(JsonEscapeBytes("a\0b"s) == "a\\u0000b");
}

TEST_CASE("an invalid byte becomes Python's surrogate escape") {
  CHECK(JsonEscapeBytes("caf\xe9.jpg") == "caf\\udce9.jpg");
  // A sequence that ends too early: each of its bytes.
  CHECK(JsonEscapeBytes("\xe2\x82") == "\\udce2\\udc82");
  // Overlong "/", an encoded surrogate, and a value above U+10FFFF are no UTF-8.
  CHECK(JsonEscapeBytes("\xc0\xaf") == "\\udcc0\\udcaf");
  CHECK(JsonEscapeBytes("\xed\xb2\x80") == "\\udced\\udcb2\\udc80");
  CHECK(JsonEscapeBytes("\xf4\x90\x80\x80") == "\\udcf4\\udc90\\udc80\\udc80");
  CHECK(JsonEscapeBytes("\xe0\x80\xaf") == "\\udce0\\udc80\\udcaf");
  CHECK(JsonEscapeBytes("\xf0\x80\x80\xaf") == "\\udcf0\\udc80\\udc80\\udcaf");
}

TEST_CASE("every pair of bytes, alone and inside UTF-8, comes back as it went in") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      std::string bytes = "é";
      bytes += static_cast<char>(first);
      bytes += static_cast<char>(second);
      bytes += "🙂";
      const auto back = BytesFromJsonText(JsonEscapeBytes(bytes));
      REQUIRE(back);
      REQUIRE(*back == bytes);
    }
  }
}

TEST_CASE("every escape that JSON knows is read") {
  CHECK(*BytesFromJsonText(R"(\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\ude42)") ==
        "\"\\/\b\f\n\r\tAé€🙂");
  // A pair whose second half lies in the range of escaped bytes is a character, not a byte.
  CHECK(*BytesFromJsonText(R"(\ud83d\udc80)") == "💀");
}

TEST_CASE("malformed JSON text is refused") {
  for (const std::string_view text : {R"(\)", R"(\x)", R"(\u12)", R"(\u12g4)", R"(\ud83d)",
                                      R"(\ud83dA)", R"(\udc00)", R"(\udfff)", "a\"b", "a\nb"}) {
    const auto result = BytesFromJsonText(text);
    REQUIRE_MESSAGE(!result, text);
    CHECK(result.error().code == ErrorCode::kProtocol);
  }
}

TEST_CASE("a member of a line is found whatever stands before it") {
  const std::string line =
      R"({"n": [1, {"path": "no"}], "s": "\"}, \"path\": \"no\"", "path": "a\udce9\"b", "x": 1.5})";
  CHECK(*JsonTextMember(line, "path") == "a\xe9\"b");
  CHECK(JsonTextMember(line, "x").error().code == ErrorCode::kNotFound);
  CHECK(JsonTextMember(line, "y").error().code == ErrorCode::kNotFound);
  CHECK(JsonTextMember("{}", "y").error().code == ErrorCode::kNotFound);
}

TEST_CASE("numbers are members too") {
  const std::string line = R"({"n": -9223372036854775808 , "x": 1.5, "s": "1", "big": 1e300})";
  CHECK(*JsonIntegerMember(line, "n") == std::numeric_limits<std::int64_t>::min());
  CHECK(*JsonNumberMember(line, "x") == 1.5);
  CHECK(*JsonNumberMember(line, "big") == 1e300);
  for (const std::string_view name : {"x", "s", "big", "missing"}) {
    CHECK_MESSAGE(JsonIntegerMember(line, name).error().code == ErrorCode::kNotFound, name);
  }
  CHECK(JsonNumberMember(line, "s").error().code == ErrorCode::kNotFound);
}

TEST_CASE("a line that is no JSON object is refused") {
  for (const std::string_view line :
       {"", "[1]", "{", R"({"a)", R"({"a")", R"({"a":)", R"({"a": "b)", R"({"a": "b")", R"({a: 1})",
        R"({"a": 1] )", R"({"a": "\)", R"({"a": 1, )"}) {
    const auto result = JsonTextMember(line, "path");
    REQUIRE_MESSAGE(!result, line);
    CHECK_MESSAGE(result.error().code == ErrorCode::kProtocol, line);
  }
}

}  // namespace
}  // namespace millrace
