// The postprocess stage's options.
#pragma once

#include "common/config/options.h"

namespace millrace {

//   keep: [skin, l_brow, r_brow, nose, u_lip, l_lip]   # names of classes.h, or class-N
//   what: [masked]          # any of masked, mask, labels, overlay
//   format: same            # same, png, jpg, webp
//   quality: 75             # of JPEG and WebP
//   size: model             # model, original
//   areas: false            # pixels per class into OUTPUT/.millrace/areas.jsonl
//   durability: group       # item, group, none
OptionSchema PostprocessOptions();

}  // namespace millrace
