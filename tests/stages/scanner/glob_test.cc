#include "stages/scanner/glob.h"

#include <doctest/doctest.h>

#include <string>

namespace millrace {
namespace {

bool Covers(std::string_view pattern, std::string_view path, bool is_directory = false) {
  const auto glob = Glob::Parse(pattern);
  REQUIRE_MESSAGE(glob, pattern);
  return glob->Covers(path, is_directory);
}

TEST_CASE("a pattern without a slash matches names at any depth") {
  CHECK(Covers("*.jpg", "a.jpg"));
  CHECK(Covers("*.jpg", "x/y/a.jpg"));
  CHECK(!Covers("*.jpg", "a.jpeg"));
  CHECK(!Covers("*.jpg", "a.JPG"));
  CHECK(!Covers("b.jpg", "ab.jpg"));
  CHECK(!Covers("b.jpg", "x/ab.jpg"));
}

TEST_CASE("a pattern with a slash matches the whole path") {
  CHECK(Covers("x/*.jpg", "x/a.jpg"));
  CHECK(!Covers("x/*.jpg", "y/x/a.jpg"));
  CHECK(!Covers("x/*.jpg", "x/y/a.jpg"));
  CHECK(Covers("/a.jpg", "a.jpg"));
  CHECK(!Covers("/a.jpg", "x/a.jpg"));
}

TEST_CASE("a pattern that matches a folder covers what is inside it") {
  CHECK(Covers("raw", "raw/x/a.jpg"));
  CHECK(Covers("raw/", "2024/raw/a.jpg"));
  CHECK(Covers("raw/", "raw", true));
  CHECK(!Covers("raw/", "raw", false));
  CHECK(!Covers("raw/", "2024/raw", false));
}

TEST_CASE("two stars stand for any number of folders") {
  CHECK(Covers("a/**/b", "a/b"));
  CHECK(Covers("a/**/b", "a/x/y/b"));
  CHECK(!Covers("a/**/b", "a/xb"));
  CHECK(!Covers("a/**/b", "ab"));
  CHECK(Covers("**/b.jpg", "b.jpg"));
  CHECK(Covers("a/**", "a/x/y"));
  CHECK(!Covers("a/**", "a"));
  CHECK(Covers("a/**/c/**/e*", "a/b/c/d/c/x/ef"));
  // Not alone between slashes: one star.
  CHECK(!Covers("/a**c", "a/c"));
  CHECK(Covers("/a**c", "abc"));
}

TEST_CASE("one byte is matched by ?, by a class and by an escape, and a slash by none") {
  CHECK(Covers("a?.jpg", "ab.jpg"));
  CHECK(!Covers("/a?b", "a/b"));
  CHECK(!Covers("/a[!x]b", "a/b"));
  CHECK(Covers("[a-c]1", "b1"));
  CHECK(!Covers("[a-c]1", "d1"));
  CHECK(Covers("[!a-c]1", "d1"));
  CHECK(Covers("[]x]", "]"));
  CHECK(Covers("[a-]", "-"));
  CHECK(Covers("\\[x\\]", "[x]"));
  CHECK(Covers("\\*", "*"));
  CHECK(!Covers("\\*", "a"));
  CHECK(Covers("[\xe9]*", "\xe9.jpg"));
}

TEST_CASE("a star gives back what it took too much of") {
  CHECK(Covers("*a*b*c", "xaabbcbc"));
  CHECK(!Covers("*a*b*c", "xaabbcb"));
  CHECK(Covers("x/*/y*z", "x/1/yyz"));
}

TEST_CASE("a pattern made to backtrack ends at once") {
  std::string pattern, path;
  for (int i = 0; i < 200; ++i) {
    pattern += "*a";
    path += "a/a";
  }
  CHECK(!Covers("**/" + pattern + "b", path));
}

TEST_CASE("a malformed pattern is refused with its reason") {
  CHECK(Glob::Parse("").error().code == ErrorCode::kUsage);
  CHECK(Glob::Parse("/").error().code == ErrorCode::kUsage);
  CHECK(Glob::Parse("a[b").error().message.find("a[b") != std::string::npos);
  CHECK(!Glob::Parse("a\\"));
  for (const char* escaped_slash : {"a\\/", "\\/", "\\//", "a/\\/"}) {
    CHECK_MESSAGE(!Glob::Parse(escaped_slash), escaped_slash);
  }
  CHECK(Covers("a\\\\/", "a\\/x"));
  CHECK(!Glob::Parse("\\\\[a"));
  CHECK(Glob::Parse("\\[a"));
}

}  // namespace
}  // namespace millrace
