// One item's file, for the stages that read it, whatever it turns out to be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "common/os/unique_fd.h"
#include "common/stage/stage.h"

namespace millrace {

// How an item ends whose file is not to be had:
//   not a regular file                           skipped "not-a-file"
//   no image                                     failed kNotAnImage, or kEmpty at 0 bytes
//   .. but perhaps a picture of another format   failed kUnsupportedFormat
//   .. where its name claims none                skipped "not-an-image"
//   not readable, for a fault that may pass      failed kUnreadable, retryable (EIO, ESTALE, ...)
//   gone, forbidden                              failed kUnreadable
//   .. where its name claims no image            skipped "unreadable"
//   an image of more than max_bytes              failed kTooLarge
//   its key is not a path below `input`          failed kProtocol
using NoInput = std::variant<Failed, Skipped>;

// A regular file, open for reading.
class InputFile {
 public:
  // The file at input/key; where `input` is a file, its parent is meant. Never waits on a FIFO or a
  // device.
  static std::variant<InputFile, NoInput> Open(const std::string& input, const std::string& key,
                                               bool named_like_an_image);

  // As it was when it was opened.
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  [[nodiscard]] std::int64_t mtime_ns() const { return mtime_ns_; }  // since 1970

  // Asks the kernel to begin reading; does not wait for it.
  void ReadAhead() const;
  // All of it, into `buffer`, which grows where it has to and never shrinks: what is returned lies
  // in it. No more than a signature is read of what is no image. Once.
  std::variant<std::span<const std::byte>, NoInput> Read(std::int64_t max_bytes,
                                                         std::vector<std::byte>& buffer) const;
  // Its first bytes, `most` at most and fewer where it ends or cannot be read, in `buffer`.
  std::span<const std::byte> Head(std::size_t most, std::vector<std::byte>& buffer) const;
  // Whether its size or time have changed since it was opened.
  [[nodiscard]] bool Changed() const;

 private:
  InputFile(UniqueFd fd, bool named_like_an_image)
      : fd_(std::move(fd)), named_like_an_image_(named_like_an_image) {}

  UniqueFd fd_;
  bool named_like_an_image_;
  std::int64_t bytes_ = 0;
  std::int64_t mtime_ns_ = 0;
};

// Opens and reads it.
std::variant<std::vector<std::byte>, NoInput> ReadInput(const std::string& input,
                                                        const std::string& key,
                                                        bool named_like_an_image,
                                                        std::int64_t max_bytes);

}  // namespace millrace
