#include "stages/inference/skin_tone/skin_tone.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace millrace {
namespace {

std::vector<std::uint8_t> LabelsOf(const std::vector<std::uint8_t>& rgb, std::int64_t height,
                                   std::int64_t width) {
  SkinTone model;
  auto labels = model.Segment({height, width, {std::as_bytes(std::span(rgb))}});
  REQUIRE(labels);
  REQUIRE(labels->size() == 1);
  return labels->at(0);
}

TEST_CASE("skin-tone keeps most of the portrait's face, and little of the picture") {
  std::ifstream in(MILLRACE_TEST_DATA "/portrait.bin", std::ios::binary);
  const std::vector<std::uint8_t> rgb{std::istreambuf_iterator<char>(in), {}};
  REQUIRE(rgb.size() == 512 * 512 * 3);
  const Labels labels = LabelsOf(rgb, 512, 512);
  int face = 0;
  int all = 0;
  for (int y = 0; y < 512; ++y) {
    for (int x = 0; x < 512; ++x) {
      const int skin = labels[static_cast<std::size_t>(y * 512 + x)];
      REQUIRE(skin <= 1);
      all += skin;
      if (x >= 170 && x < 280 && y >= 70 && y < 190) face += skin;
    }
  }
  CHECK(face >= 0.80 * (280 - 170) * (190 - 70));
  CHECK(all <= 0.35 * 512 * 512);
}

TEST_CASE("skin-tone's thresholds are those of the paper, ends included") {
  // Pixels of these (Cb, Cr) by JFIF's formula: (76, 150) (77, 150) (127, 150) (128, 150).
  CHECK(LabelsOf({122, 94, 0, 121, 91, 0, 106, 60, 73, 106, 60, 75}, 1, 4) == Labels{0, 1, 1, 0});
  // (100, 132) (100, 133) (100, 173) (100, 174).
  CHECK(LabelsOf({100, 100, 45, 100, 98, 43, 145, 60, 32, 147, 60, 33}, 4, 1) ==
        Labels{0, 1, 1, 0});
  // Grey, and pure red.
  CHECK(LabelsOf({128, 128, 128, 255, 0, 0}, 1, 2) == Labels{0, 0});
}

TEST_CASE("a picture of the wrong size is an error") {
  SkinTone model;
  const std::vector<std::uint8_t> rgb(11);
  CHECK(!model.Segment({2, 2, {std::as_bytes(std::span(rgb))}}));
}

}  // namespace
}  // namespace millrace
