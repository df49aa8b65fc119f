// Postprocess: labels and the picture they belong to in, files in OUTPUT out.
//
// Payload:   "image"     uint8 {H, W, 3}, R G B: what the model saw
//            "labels"    uint8 {H, W}
//            "original"  uint8 {h, w, 3}: only for `size: original`
//
// Writes what `what` names, under the names of output_name.h, each file whole or not at all, and
// says in Done's outputs what it published. A write that fails is kWriteFailed, and tried again
// where it may pass (a full disk). With `areas`, Done carries the record "areas".
//
// `durability` says what a power cut may take of an item that is done: nothing, each item synced by
// itself (item) or all of one Process call together (group); or what the system had not written
// yet (none).
#pragma once

#include <memory>

#include "common/stage/stage.h"

namespace millrace {

std::unique_ptr<Stage> MakePostprocessStage();

}  // namespace millrace
