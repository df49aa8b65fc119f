// Files that carry the signature of a format that we read and are of a kind that we do not, or not
// in full: camera raws inside TIFF, lossless JPEGs, JPEG-LS, Apple's CgBI PNGs.
//
// Nothing is proven about the pixels of such a file, so it is never moved or deleted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/image/decoders.h"

namespace millrace {

struct UnreadFamily {
  // What our decoder makes of the file all the same.
  enum class Reads {
    kNothing,  // no picture, or one that is not the file's: unsupported-format
    kPreview,  // a smaller picture that the file has beside its own: preview-only
    kPicture,  // the whole picture; what lies beside it (layers, a video) is not read
  };

  std::string what;  // with its article, for a sentence: "a Nikon raw photo (NEF)"
  Reads reads = Reads::kNothing;
};

// Nothing for a file that is read in full, is no picture, or is too damaged to tell. By content
// alone. Total: any bytes are allowed; time and memory are bounded by the file's size.
std::optional<UnreadFamily> FindUnreadFamily(FileBytes file);

// What the bytes behind a picture's end are, where they are another picture or video that cameras
// put there: "a motion photo's video". Nothing where they are not known.
std::optional<std::string> FindAppended(FileBytes rest);

}  // namespace millrace
