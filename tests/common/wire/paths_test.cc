#include "common/wire/paths.h"

#include <doctest/doctest.h>

namespace millrace::wire {
namespace {

TEST_CASE("an output is below OUTPUT and none of the broker's own files") {
  CHECK(IsOutputPath("a/b.jpg"));
  CHECK(IsOutputPath("a/.millrace"));
  CHECK(IsOutputPath(".millrace2"));
  CHECK(!IsOutputPath("../a"));
  CHECK(!IsOutputPath("/a"));
  CHECK(!IsOutputPath(".millrace"));
  CHECK(!IsOutputPath(".millrace/state.db"));
}

TEST_CASE("a path that is refused is quoted, as far as a person would read it") {
  CHECK(NoOutputPath("../a") ==
        "its output '../a' is not a path below OUTPUT and outside OUTPUT/.millrace");
  CHECK(NoKey(std::string(1000, 'x')).size() < 300);
}

}  // namespace
}  // namespace millrace::wire
