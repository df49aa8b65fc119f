#include "common/base/path_below.h"

#include <doctest/doctest.h>

#include <string>

namespace millrace {
namespace {

using std::string_literals::operator""s;

TEST_CASE("a path below a folder is relative and has no component that leads up or nowhere") {
  for (const std::string& path : {"a"s, "a/b"s, "..a/..."s, ".hidden"s, "\xff/ \n"s}) {
    CAPTURE(path);
    CHECK(IsPathBelow(path));
  }
  for (const std::string& path : {""s, "/"s, "/a"s, ".."s, "."s, "../a"s, "a/.."s, "a/../b"s,
                                  "a//b"s, "a/"s, "./a"s, "a/./b"s, "a\0b"s, "\0"s, "a/b\0"s}) {
    CAPTURE(path);
    CHECK(!IsPathBelow(path));
  }
}

TEST_CASE("an absolute path starts at the root and ends where the system thinks it ends") {
  CHECK(IsAbsolutePath("/"));
  CHECK(IsAbsolutePath("/a/../b"));
  CHECK(!IsAbsolutePath(""));
  CHECK(!IsAbsolutePath("a/b"));
  CHECK(!IsAbsolutePath("/a\0b"s));
}

}  // namespace
}  // namespace millrace
