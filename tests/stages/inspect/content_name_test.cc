// What is named like a picture and is none, in words.
#include "stages/inspect/content_name.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

namespace millrace {
namespace {

using namespace std::string_literals;

std::string Describe(const std::string& content) {
  static const ContentNames names;
  const auto head =
      std::as_bytes(std::span(content)).first(std::min(content.size(), ContentNames::kHeadBytes));
  return names.Describe(head, static_cast<std::int64_t>(content.size()));
}

TEST_CASE("content that is no picture is named in plain words") {
  const std::vector<std::pair<std::string, std::string>> contents = {
      {"<!DOCTYPE html><html><head><title>404</title></head></html>", "a web page"},
      {"\0\0\0\x18"
       "ftypmp42\0\0\0\0mp42isom"s +
           std::string(100, '\0'),
       "an MP4 video"},
      {"RIFF\x10\0\0\0AVI LIST"s + std::string(100, '\0'), "an AVI video"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n",
       "a Git LFS pointer: `git lfs pull` fetches the picture"},
      {"%PDF-1.7\n1 0 obj\n", "a PDF document"},
      {"PK\3\4\x14\0\0\0\0\0"s + std::string(100, '\0'), "a ZIP archive"},
      {"{\"message\": \"not found\"}", "JSON text, perhaps a server's error message"},
      {"<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>",
       "an XML document, perhaps a server's error message"},
      {"hello, this is a text\n", "a text"},
      {"\0\5\x16\7\0\2\0\0Mac OS X        \0\2"s, "what macOS keeps of another file (AppleDouble)"},
      {std::string(4096, '\0'), "nothing but zero bytes"},
      {std::string(1 << 20, '\0'), "zero bytes, as many as were looked at"}};
  for (const auto& [content, what] : contents) CHECK(Describe(content) == what);
}

TEST_CASE("of what nobody knows nothing is said") {
  CHECK(Describe("").empty());
  CHECK(Describe("\x01\x02\x03\xfe\xff\x99\x80\x81"s).empty());
}

}  // namespace
}  // namespace millrace
