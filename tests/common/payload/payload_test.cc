#include "common/payload/payload.h"

#include <doctest/doctest.h>

#include <limits>

using namespace millrace;

namespace {

Part PartOf(std::vector<std::int64_t> shape, std::size_t bytes, DType dtype = DType::kUInt8) {
  return {"image", dtype, std::move(shape), Buffer::Own(std::string(bytes, 'x'))};
}

}  // namespace

TEST_CASE("a part whose shape matches its bytes is accepted") {
  CHECK(CheckPart(PartOf({2, 3}, 6)));
  CHECK(CheckPart(PartOf({2, 3}, 24, DType::kFloat32)));
  CHECK(CheckPart(PartOf({}, 1)));
  CHECK(CheckPart(PartOf({0, 5}, 0)));
}

TEST_CASE("a part whose shape contradicts its bytes is refused") {
  CHECK_FALSE(CheckPart(PartOf({2, 3}, 5)));
  CHECK_FALSE(CheckPart(PartOf({2, 3}, 7)));
  CHECK_FALSE(CheckPart(PartOf({1}, 5, DType::kFloat32)));
  CHECK_FALSE(CheckPart(PartOf({-1, -1}, 1)));
  CHECK_FALSE(CheckPart(PartOf({0}, 1)));
}

TEST_CASE("a shape whose product overflows is refused, not wrapped") {
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  CHECK_FALSE(CheckPart(PartOf({kHuge, kHuge, 4}, 4)));
  CHECK_FALSE(CheckPart(PartOf({std::int64_t{1} << 32, std::int64_t{1} << 32}, 0)));
}

TEST_CASE("copying a buffer shares its bytes") {
  const Buffer one = Buffer::Copy("pixels");
  const Buffer two = one;  // NOLINT(performance-unnecessary-copy-initialization): it is tested
  CHECK(one.data() == two.data());
  CHECK(two.text() == "pixels");
}

TEST_CASE("a part is found by its name") {
  const Payload payload = {PartOf({1}, 1)};
  CHECK(FindPart(payload, "image") == payload.data());
  CHECK(FindPart(payload, "labels") == nullptr);
  CHECK(PayloadBytes(payload) == 1);
}
