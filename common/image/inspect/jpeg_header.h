// A JPEG's segments up to its first scan.
#pragma once

#include "common/image/inspect/inspectors.h"
#include "common/image/jpeg/multi_picture.h"

namespace millrace {

struct JpegHeaderFindings {
  // What is wrong with it for Pillow's Image.open (JpegImagePlugin.py: JpegImageFile._open and the
  // handlers of its MARKER table).
  std::optional<Finding> broken;
  // At kStrict: EXIF that does not parse, versions that nobody knows.
  std::optional<Finding> metadata;
  // Of a multi-picture file: others follow behind its end.
  std::optional<MultiPictureIndex> pictures;
};

JpegHeaderFindings CheckJpegHeader(FileBytes file, const InspectOptions& options);

}  // namespace millrace
