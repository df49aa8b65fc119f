// How a PNG is to be turned, by the chunks beside its pixels.
#pragma once

#include "common/image/decoders.h"

namespace millrace {

// 1..8, from where Pillow reads it: the eXIf chunk; without one, the text "Raw profile type exif",
// which ImageMagick writes; and XMP in the text "XML:com.adobe.xmp". Texts may be compressed, and
// chunks may lie behind the pixels. `file` has a PNG's signature. Total; unpacks up to 1 MiB of
// each of the two texts.
int PngOrientation(FileBytes file);

}  // namespace millrace
