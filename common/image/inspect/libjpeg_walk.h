// libjpeg's opinion of a JPEG: every coefficient is read, none is transformed.
//
// It is asked about arithmetic coding, and as a second reader of what our own (common/image/jpeg)
// found broken. Fed in small pieces, it takes its slower Huffman decoder, which complains of
// invalid codes; the faster one takes zeros for them and says nothing.
#pragma once

#include "common/image/inspect/inspectors.h"

namespace millrace {

struct LibjpegOpinion {
  // What costs pixels.
  std::optional<Finding> broken;
  // What does not, in a file that has all its pixels.
  std::optional<Finding> odd;
  // Where it stopped reading.
  std::size_t end = 0;
  // It was not asked, since it would have to keep too much: `broken` says so.
  bool costly = false;
};

// `file` begins with the picture. Within the sides and pixels of `options`, or `broken` says so.
LibjpegOpinion AskLibjpeg(FileBytes file, const InspectOptions& options);

}  // namespace millrace
