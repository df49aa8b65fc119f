#include "stages/scanner/cursor.h"

#include <doctest/doctest.h>

namespace millrace {
namespace {

TEST_CASE("a cursor's text is fixed, so that a newer scanner reads an older one's") {
  CHECK(ScanCursor{.images = 12, .threshold = {}, .unread = 3, .position = "a b/\xff/"}.Encode() ==
        "2 12 - 3 a b/\xff/");
  CHECK(ScanCursor{.images = 0, .threshold = 0xabc, .position = ""}.Encode() ==
        "2 0 0000000000000abc 0 ");
}

TEST_CASE("a cursor comes back as it went out") {
  for (const ScanCursor& cursor :
       {ScanCursor{7, std::nullopt, 0, "a"}, ScanCursor{~0ULL, ~0ULL, ~0ULL, " x\n"},
        ScanCursor{0, 0, 1, ""}}) {
    CHECK(*ScanCursor::Decode(cursor.Encode()) == cursor);
  }
  CHECK(*ScanCursor::Decode("") == ScanCursor());
}

TEST_CASE("other bytes are no cursor") {
  for (const char* text :
       {"2", "2 2", "2 2 -", "2 2 - 0", "1 2 - 0 a", "2 x - 0 a", "2 -1 - 0 a", "2 2 zz 0 a",
        "2 2 123 0 a", "2 99999999999999999999 - 0 a", "2  - 0 a", "2 2 - x a"}) {
    const auto cursor = ScanCursor::Decode(text);
    REQUIRE_MESSAGE(!cursor, text);
    CHECK(cursor.error().code == ErrorCode::kProtocol);
  }
}

}  // namespace
}  // namespace millrace
