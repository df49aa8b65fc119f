// libjpeg's opinion of a JPEG: every coefficient is read, none is transformed.
//
// It is asked about arithmetic coding, and as a second reader of what our own (common/image/jpeg)
// found broken. Fed in small pieces, it takes its slower Huffman decoder, which complains of
// invalid codes; the faster one takes zeros for them and says nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "common/image/inspect.h"

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

// `file` begins with the picture, whose sides have been found within the caps.
LibjpegOpinion AskLibjpeg(std::span<const std::byte> file);

}  // namespace millrace
