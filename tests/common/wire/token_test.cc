#include "common/wire/token.h"

#include <doctest/doctest.h>

using namespace millrace::wire;

TEST_CASE("a word is short and made of small letters, digits and hyphens") {
  CHECK(IsToken("not-an-image"));
  CHECK(IsToken(std::string(64, 'x')));
  for (const std::string none : {"", "Corrupt", "a b", "a_b", "a\n", "caf\xc3\xa9"}) {
    CAPTURE(none);
    CHECK_FALSE(IsToken(none));
  }
  CHECK_FALSE(IsToken(std::string(65, 'x')));
  CHECK_FALSE(IsToken(std::string_view("a\0", 2)));
}

TEST_CASE("a record's name is a file's, and none that the broker writes itself") {
  CHECK(IsRecordName("verdicts"));
  CHECK(IsRecordName("failed-2"));
  CHECK(IsRecordName(std::string(32, 'x')));
  for (const std::string none : {"", "failed", "deleted", "report", "../x", "a.b", "A"}) {
    CAPTURE(none);
    CHECK_FALSE(IsRecordName(none));
  }
  CHECK_FALSE(IsRecordName(std::string(33, 'x')));
}

TEST_CASE("what is quoted of a word that is none is bounded") {
  CHECK(InvalidToken("code", "Bad") == "its code 'Bad' is not [a-z0-9-]{1,64}");
  CHECK(InvalidToken("code", std::string(100'000, 'x')).size() < 150);
  CHECK(InvalidRecordName(std::string(100'000, 'x')).size() < 250);
}
