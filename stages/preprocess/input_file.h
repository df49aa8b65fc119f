// Reading one item's file, whatever it turns out to be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/stage/stage.h"

namespace millrace {

// The bytes of the regular file at input/key. Never waits on a FIFO or a device, and reads no more
// than a signature of what is no image. Otherwise how the item ends:
//   not a regular file                           skipped "not-a-file"
//   no image                                     failed kNotAnImage, or kEmpty at 0 bytes
//   .. where its name claims none                skipped "not-an-image"
//   not readable, for a fault that may pass      failed kUnreadable, retryable (EIO, ESTALE, ...)
//   gone, forbidden                              failed kUnreadable
//   .. where its name claims no image            skipped "unreadable"
//   an image of more than max_bytes              failed kTooLarge
// `input` is the run's folder; where it is a file, its parent is meant.
std::variant<std::vector<std::byte>, Failed, Skipped> ReadInput(const std::string& input,
                                                                const std::string& key,
                                                                bool named_like_an_image,
                                                                std::int64_t max_bytes);

}  // namespace millrace
