// The 19 classes of CelebAMask-HQ in the order of bisenet-face's labels, and a colour for every
// label that a model can give.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

// Index: the label. The names are those of the data set's annotation (Lee et al., "MaskGAN",
// CVPR 2020) as face-parsing.PyTorch numbers them.
inline constexpr std::array<std::string_view, 19> kClassNames = {
    "background", "skin",   "l_brow", "r_brow", "l_eye", "r_eye", "eye_g",
    "l_ear",      "r_ear",  "ear_r",  "nose",   "mouth", "u_lip", "l_lip",
    "neck",       "neck_l", "cloth",  "hair",   "hat"};

// nose, skin, ...; "class-23" for a label beyond the names.
std::string ClassName(std::uint8_t label);

// The label of such a name; of "class-N" any label, 0 to 255 without leading zeros.
std::optional<std::uint8_t> ClassLabel(std::string_view name);

// "class-0" to "class-255".
std::vector<std::string> NumberedClassNames();

// The colours of PASCAL VOC's label images (VOCdevkit's VOClabelcolormap.m): label 0 is black, and
// all 256 differ. Bit i of a colour's channel c, from the top, is bit 3·i + c of the label.
constexpr std::array<std::array<std::uint8_t, 3>, 256> LabelPalette() {
  std::array<std::array<std::uint8_t, 3>, 256> palette{};
  for (std::size_t label = 0; label < 256; ++label) {
    for (std::size_t bit = 0; bit < 8; ++bit) {
      const std::size_t channel = bit % 3;
      const std::size_t place = 7 - bit / 3;
      palette[label][channel] =
          static_cast<std::uint8_t>(palette[label][channel] | (label >> bit & 1) << place);
    }
  }
  return palette;
}

}  // namespace millrace
