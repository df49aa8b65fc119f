// What one entry of INPUT is. Content decides; a file is opened only where its name leaves the
// question open, and never one that opening could wait on.
//
//   a regular file, size above 0, named like an image    goes on, unopened: preprocess decodes it
//   .., whose first bytes are an image's signature       goes on
//   .., neither                                          skipped "not-an-image"
//   an empty file named like an image                    failed kEmpty: its owner believes it is
//   one an empty file named otherwise                        skipped "not-an-image" a FIFO, a
//   device, a socket                           skipped "not-a-file" a link that leaves INPUT
//   (unless followed)           skipped "outside-input" a link into OUTPUT skipped "inside-output"
//   a link to nothing, named like an image               failed kUnreadable
//   .., named otherwise                                  skipped "dangling-link"
//   what cannot be read, named like an image             failed kUnreadable
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

// Meta: goes on, with "bytes" (size) and "mtime_ns" (last change, nanoseconds since 1970).
using Seen = std::variant<SeenNothing, SeenDirectory, Meta, Failed, Skipped>;

Seen Examine(const InputTree& tree, std::string_view key, bool follow_symlinks);

// kUnreadable as Examine reports it: "cannot read KEY: ERRNO".
Failed Unreadable(std::string_view key, int error_number);

}  // namespace millrace
