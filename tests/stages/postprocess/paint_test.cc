#include "stages/postprocess/paint.h"

#include <doctest/doctest.h>

#include <set>

#include "common/base/json_text.h"
#include "stages/postprocess/classes.h"

namespace millrace {
namespace {

KeptLabels Keep(std::initializer_list<int> labels) {
  KeptLabels kept{};
  for (const int label : labels) kept[static_cast<std::size_t>(label)] = true;
  return kept;
}

const Pixels kRgb = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120};
const Pixels kLabels = {0, 1, 17, 255};

TEST_CASE("the picture stays where a kept class is and is black elsewhere") {
  CHECK(PaintMasked(kRgb, kLabels, Keep({1, 255})) ==
        Pixels{0, 0, 0, 40, 50, 60, 0, 0, 0, 100, 110, 120});
}

TEST_CASE("a mask is 255 where a kept class is and 0 elsewhere") {
  CHECK(PaintMask(kLabels, Keep({1, 255})) == Pixels{0, 255, 0, 255});
}

TEST_CASE("an overlay blends the class's colour half and half, and leaves the rest alone") {
  CHECK(PaintOverlay(kRgb, kLabels, Keep({1, 17})) ==
        Pixels{10, 20, 30, 84, 25, 30, 99, 72, 45, 100, 110, 120});
}

TEST_CASE("the palette is PASCAL VOC's, and no two labels look alike") {
  constexpr auto kPalette = LabelPalette();
  using Colour = std::array<std::uint8_t, 3>;
  // As printed in the data set's documentation: background, aeroplane, bicycle, bird, ..., monitor.
  CHECK(kPalette[0] == Colour{0, 0, 0});
  CHECK(kPalette[1] == Colour{128, 0, 0});
  CHECK(kPalette[2] == Colour{0, 128, 0});
  CHECK(kPalette[3] == Colour{128, 128, 0});
  CHECK(kPalette[8] == Colour{64, 0, 0});
  CHECK(kPalette[15] == Colour{192, 128, 128});
  CHECK(kPalette[20] == Colour{0, 64, 128});
  CHECK(kPalette[255] == Colour{224, 224, 192});
  CHECK(std::set<Colour>(kPalette.begin(), kPalette.end()).size() == 256);
}

TEST_CASE("labels are resized by nearest, as Pillow does it") {
  // Pillow: Image.fromarray(...).resize((5, 1), NEAREST) and back.
  CHECK(ResizeLabels(Pixels{1, 2, 3}, 3, 1, 5, 1) == Pixels{1, 1, 2, 3, 3});
  CHECK(ResizeLabels(Pixels{1, 2, 3, 4, 5}, 5, 1, 3, 1) == Pixels{1, 3, 5});
  CHECK(ResizeLabels(Pixels{1, 2, 3, 4}, 2, 2, 4, 2) == Pixels{1, 1, 2, 2, 3, 3, 4, 4});
  CHECK(ResizeLabels(Pixels{1, 2, 3, 4}, 2, 2, 1, 1) == Pixels{4});
}

TEST_CASE("the areas' line counts every label, and names any file") {
  const std::string line = AreasLine("x/\xff\".jpg", Pixels{1, 1, 0, 200, 1});
  CHECK(line ==
        "{\"path\": \"x/\\udcff\\\".jpg\", \"areas\": {\"background\": 1, \"skin\": 3, "
        "\"class-200\": 1}}");
  CHECK(*JsonTextMember(line, "path") == "x/\xff\".jpg");
}

TEST_CASE("classes have the numbers of bisenet-face") {
  CHECK(ClassLabel("background") == 0);
  CHECK(ClassLabel("skin") == 1);
  CHECK(ClassLabel("nose") == 10);
  CHECK(ClassLabel("u_lip") == 12);
  CHECK(ClassLabel("l_lip") == 13);
  CHECK(ClassLabel("hat") == 18);
  CHECK(ClassLabel("class-0") == 0);
  CHECK(ClassLabel("class-19") == 19);
  CHECK(ClassLabel("class-255") == 255);
  for (const char* none : {"lip", "", "class-", "class-256", "class-019", "class--1", "class-1x"}) {
    CHECK_MESSAGE(!ClassLabel(none), none);
  }
  for (int label = 0; label < 256; ++label) {
    CHECK(ClassLabel(ClassName(static_cast<std::uint8_t>(label))) == label);
  }
  CHECK(ClassName(17) == "hair");
}

}  // namespace
}  // namespace millrace
