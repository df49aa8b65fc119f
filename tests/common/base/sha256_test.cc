#include "common/base/sha256.h"

#include <doctest/doctest.h>

#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

TEST_CASE("SHA-256 is that of the standard's example, of bytes and of a file") {
  constexpr char kOfAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  const TemporaryFolder folder;
  folder.File("abc", "abc");
  CHECK(Sha256OfFile(folder.At("abc")) == kOfAbc);
  CHECK(Hex(Sha256("abc").value()) == kOfAbc);
  CHECK(Sha256OfFile(folder.At("missing")).error().code == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace millrace
