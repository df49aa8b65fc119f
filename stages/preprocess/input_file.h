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
//   no image, and not named like one             skipped "not-an-image"
//   no image, but named like one                 failed kNotAnImage, or kEmpty at 0 bytes
//   gone, forbidden, or not readable             failed kUnreadable; retryable after a fault that
//                                                may pass (EIO, ESTALE, ...)
//   an image of more than max_bytes              failed kTooLarge
// `input` is the run's folder; where it is a file, its parent is meant.
std::variant<std::vector<std::byte>, Failed, Skipped> ReadInput(const std::string& input,
                                                                const std::string& key,
                                                                std::int64_t max_bytes);

}  // namespace millrace
