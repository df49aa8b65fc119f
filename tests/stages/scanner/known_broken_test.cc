#include "stages/scanner/known_broken.h"

#include <doctest/doctest.h>

#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

KnownBroken ListOf(const std::vector<SkippedFile>& files) {
  const TemporaryFolder folder;
  std::string bytes;
  for (const SkippedFile& file : files) bytes += KnownBrokenEntry(file);
  folder.File("list", bytes);
  return KnownBroken::Load(folder.At("list")).value();
}

TEST_CASE("a file is covered as it was known, and no longer once it has changed") {
  const KnownBroken list =
      ListOf({{"b c.jpg", 12, 500}, {"a\xff\n.jpg", 7, -3}, {"b", 1, 1}, {"b c.jpg", 13, 600}});
  CHECK(list.Covers("b c.jpg", 12, 500));
  CHECK(list.Covers("b c.jpg", 13, 600));
  CHECK(list.Covers("a\xff\n.jpg", 7, -3));
  CHECK_FALSE(list.Covers("b c.jpg", 12, 600));
  CHECK_FALSE(list.Covers("b c.jpg", 1, 500));
  CHECK_FALSE(list.Covers("b c", 12, 500));
  CHECK_FALSE(list.Covers("z", 12, 500));
  CHECK_FALSE(KnownBroken().Covers("b", 1, 1));
}

TEST_CASE("an empty file is known by being empty") {
  const KnownBroken list = ListOf({{"a.jpg", 0, {}}});
  CHECK(list.Covers("a.jpg", 0, std::nullopt));
  CHECK(list.Covers("a.jpg", 0, 77));
  CHECK_FALSE(list.Covers("a.jpg", 1, 77));
}

TEST_CASE("what is no list of broken files is refused") {
  const TemporaryFolder folder;
  CHECK(KnownBroken::Load(folder.At("missing")).error().code == ErrorCode::kUnreadable);
  for (const std::string_view bytes : {"a.jpg\n", "1 2 a.jpg", "nothing"}) {
    folder.File("list", bytes);
    CHECK_MESSAGE(KnownBroken::Load(folder.At("list")).error().code == ErrorCode::kProtocol, bytes);
  }
}

}  // namespace
}  // namespace millrace
