// The stage that says whether an item's pictures are whole.
//
// In: the item's key, and in its meta whether its name says nothing of an image (kUnnamedMeta).
// Out: done, or failed with the code of what is wrong (common/image/inspect.h); either way the
// verdict as a record (verdict.h). A file that is no image and is not named like one is skipped.
#pragma once

#include <memory>

#include "common/stage/stage.h"

namespace millrace {

std::unique_ptr<Stage> MakeInspectStage();

}  // namespace millrace
