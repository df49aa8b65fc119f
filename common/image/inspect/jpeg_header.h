// A JPEG's segments up to its first scan.
#pragma once

#include "common/image/inspect/inspectors.h"

namespace millrace {

struct JpegHeaderFindings {
  // What is wrong with it for Pillow's Image.open (JpegImagePlugin.py: JpegImageFile._open and the
  // handlers of its MARKER table).
  std::optional<Finding> broken;
  // At kStrict: EXIF that does not parse.
  std::optional<Finding> metadata;
  // Of a multi-picture file (CIPA DC-007), the first one: others follow behind its end.
  bool multi_picture = false;
};

JpegHeaderFindings CheckJpegHeader(FileBytes file, const InspectOptions& options);

}  // namespace millrace
