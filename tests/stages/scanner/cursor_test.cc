#include "stages/scanner/cursor.h"

#include <doctest/doctest.h>

namespace millrace {
namespace {

TEST_CASE("a cursor's text is fixed, so that a newer scanner reads an older one's") {
  CHECK(ScanCursor{.images = 12, .threshold = {}, .position = "a b/\xff/"}.Encode() ==
        "1 12 - a b/\xff/");
  CHECK(ScanCursor{.images = 0, .threshold = 0xabc, .position = ""}.Encode() ==
        "1 0 0000000000000abc ");
}

TEST_CASE("a cursor comes back as it went out") {
  for (const ScanCursor& cursor :
       {ScanCursor{7, std::nullopt, "a"}, ScanCursor{~0ULL, ~0ULL, " x\n"}, ScanCursor{0, 0, ""}}) {
    CHECK(*ScanCursor::Decode(cursor.Encode()) == cursor);
  }
  CHECK(*ScanCursor::Decode("") == ScanCursor());
}

TEST_CASE("other bytes are no cursor") {
  for (const char* text : {"1", "1 2", "1 2 -", "2 2 - a", "1 x - a", "1 -1 - a", "1 2 zz a",
                           "1 2 123 a", "1 99999999999999999999 - a", "1  - a"}) {
    const auto cursor = ScanCursor::Decode(text);
    REQUIRE_MESSAGE(!cursor, text);
    CHECK(cursor.error().code == ErrorCode::kProtocol);
  }
}

}  // namespace
}  // namespace millrace
