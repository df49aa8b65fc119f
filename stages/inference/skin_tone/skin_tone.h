// A model without weights: pixels of the colour of skin. It knows colours, not faces (wood and sand
// are skin to it); it is for demos and tests, and gives the same bytes on every machine.
//
// A pixel is skin (1) where 77 <= Cb <= 127 and 133 <= Cr <= 173, else background (0): D. Chai and
// K. N. Ngan, "Face segmentation using skin-color map in videophone applications", IEEE Trans.
// Circuits and Systems for Video Technology 9(4), 1999. Cb and Cr are JFIF's (BT.601, full range),
// in libjpeg's 16-bit fixed point. No smoothing.
#pragma once

#include "stages/inference/model/model.h"

namespace millrace {

// Rises whenever a picture may get other labels than before.
inline constexpr int kSkinToneVersion = 1;

class SkinTone final : public Model {
 public:
  // kInternal where a picture's bytes are not height x width x 3.
  Result<std::vector<Labels>> Segment(const PictureBatch& batch) override;
  [[nodiscard]] std::string RunsOn() const override { return "cpu"; }
};

}  // namespace millrace
