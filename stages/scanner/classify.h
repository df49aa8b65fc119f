// What one entry of INPUT is, by its name and lstat. Content decides what is an image, and whoever
// decodes a file looks at it anyway: so a file whose name leaves the question open is passed on
// with a mark (kUnnamedMeta), and opened here only where the scan must know (Look). Nothing is
// opened that opening could wait on.
//
//   a regular file, size above 0, named like an image    goes on
//   .., named otherwise                                  goes on, marked "unnamed"
//   .. where images are to be told: with a signature     goes on, marked "unnamed"
//                                   without one          skipped "not-an-image"
//   an empty file named like an image                    failed kEmpty: its owner believes it is
//   one
//   .., named otherwise                                  skipped "not-an-image"
//   a FIFO, a device, a socket                           skipped "not-a-file"
//   a link that leaves INPUT (unless followed)           skipped "outside-input"
//   an AppleDouble file (Look::apple_double)             skipped "apple-double"
//   a link into OUTPUT                                   skipped "inside-output"
//   a link to nothing, named like an image               failed kUnreadable
//   .., named otherwise                                  skipped "dangling-link"
//   what cannot be looked at, named like an image        failed kUnreadable
//   .., named otherwise                                  skipped "unreadable"
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "stages/scanner/input_tree.h"

namespace millrace {

// A directory, to be entered by who asked.
struct SeenDirectory {
  bool through_link = false;
};
// It was there when its directory was read, and is no more.
struct SeenNothing {};

// Meta: goes on, with "bytes" (size) and "mtime_ns" (last change, nanoseconds since 1970), the same
// however close the look was: a later run knows an unchanged file by them.
using Seen = std::variant<SeenNothing, SeenDirectory, Meta, Failed, Skipped>;

struct Look {
  bool follow_symlinks = false;  // where they lead out of INPUT
  bool sniff = false;            // open what its name does not tell, to tell images
  bool apple_double = true;      // ... and what is named like an AppleDouble file, to leave it out
};

Seen Classify(const InputTree& tree, std::string_view key, const Look& look);

// What cannot be read, errno says why: failed or skipped by its name, as above.
std::variant<Failed, Skipped> UnreadableFile(std::string_view key, int error_number);

// kUnreadable as Classify reports it: "cannot read KEY: ERRNO".
Failed Unreadable(std::string_view key, int error_number);

}  // namespace millrace
