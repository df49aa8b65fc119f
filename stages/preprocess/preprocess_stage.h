// The stage that makes a file a small RGB picture.
//
// In: the item's key, and in its meta whether its name says nothing of an image (kUnnamedMeta).
// Out: part "image", uint8 {height, width, 3}, resized to options.size; with `original: true` also
// part "original", uint8 {height, width, 3}, the whole picture. Added to the item's meta: "width",
// "height" (pixels of the whole picture, after turning where orientation is applied), "mode"
// (Pillow's: "RGB", "L", ...), "format" ("jpeg", ...), "orientation" (EXIF's numbers, 1 to 8).
// Warnings: those of common/image/decode.h, "orientation-ignored" (kept although it is not 1),
// "preview-only" (of a camera raw, whose own data is not read: common/image/unread_family.h).
#pragma once

#include <memory>

#include "common/image/decode_resized.h"
#include "common/stage/stage.h"

namespace millrace {

class PreprocessStage final : public Stage {
 public:
  Result<void> Start(const StageContext& context) override;
  std::vector<Outcome> Process(std::span<const Job> jobs, JobContext& context) override;

 private:
  [[nodiscard]] Outcome ProcessOne(const Job& job) const;

  DecodeOptions decode_;
  ResizeOptions resize_;
  bool original_ = false;
};

std::unique_ptr<Stage> MakePreprocessStage();

}  // namespace millrace
