#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "stages/inference/model/upsample_argmax.h"
#include "tests/stages/inference/model/raw_file.h"

namespace millrace {
namespace {

TEST_CASE("upsampled classes are PyTorch's, but where two logits are all but equal") {
  std::ifstream cases(kFolder + "upsample_cases.txt");
  std::int64_t classes, height, width, out_height, out_width;
  int count = 0;
  while (cases >> classes >> height >> width >> out_height >> out_width) {
    const std::string name = "upsample_" + std::to_string(count++);
    CAPTURE(name);
    const auto logits = ReadRaw<float>(name + "_logits.bin");
    const auto expected = ReadRaw<std::uint8_t>(name + "_labels.bin");
    const auto margins = ReadRaw<float>(name + "_margins.bin");
    REQUIRE(static_cast<std::int64_t>(logits.size()) == classes * height * width);
    std::vector<std::uint8_t> labels(expected.size(), 255);
    // In three pieces, as threads do it: each starts in the middle of the input rows.
    const std::int64_t third = out_height / 3;
    for (const auto& [first, last] : {std::pair<std::int64_t, std::int64_t>{0, third},
                                      {third, 2 * third},
                                      {2 * third, out_height}}) {
      UpsampleArgmax(logits.data(), classes, height, width, out_height, out_width, first, last,
                     labels.data());
    }
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] != expected[i]) CHECK(margins[i] < 1e-5F);
    }
  }
  CHECK(count == 7);
}

TEST_CASE("of equal logits the first class wins") {
  const std::vector<float> logits{1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2};  // 3 classes of 2 x 2
  std::vector<std::uint8_t> labels(16, 255);
  UpsampleArgmax(logits.data(), 3, 2, 2, 4, 4, 0, 4, labels.data());
  CHECK(labels == std::vector<std::uint8_t>(16, 1));
}

TEST_CASE("only the rows asked for are written") {
  const std::vector<float> logits{0, 0, 0, 0};
  std::vector<std::uint8_t> labels(12, 255);
  UpsampleArgmax(logits.data(), 1, 2, 2, 4, 3, 1, 2, labels.data());
  CHECK(labels == std::vector<std::uint8_t>{255, 255, 255, 0, 0, 0, 255, 255, 255, 255, 255, 255});
}

}  // namespace
}  // namespace millrace
