#include "stages/preprocess/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <span>

#include "common/image/sniff.h"
#include "common/os/unique_fd.h"

namespace millrace {
namespace {

// Faults of a disk, a network mount or this machine's load, rather than of the file.
bool MayPass(int error_number) {
  switch (error_number) {
    case EIO:
    case ESTALE:
    case ETIMEDOUT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENOTCONN:
    case EINTR:
    case EAGAIN:
    case EBUSY:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return true;
    default:
      return false;
  }
}

using InputFile = std::variant<std::vector<std::byte>, Failed, Skipped>;

InputFile Unreadable(const char* doing, int error_number, bool named_like_an_image) {
  const bool retryable = MayPass(error_number);
  if (!named_like_an_image && !retryable) return Skipped{"unreadable"};
  return Failed{ErrorCode::kUnreadable,
                fmt::format("cannot {} it: {}", doing, ErrnoText(error_number)), retryable};
}

UniqueFd Open(const std::string& input, const std::string& key) {
  // O_NONBLOCK: a FIFO named x.jpg is not waited on.
  constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  UniqueFd file(open((input + "/" + key).c_str(), kFlags));
  const std::size_t slash = input.rfind('/');
  if (!file.valid() && errno == ENOTDIR && slash != std::string::npos) {
    file = UniqueFd(open((input.substr(0, slash) + "/" + key).c_str(), kFlags));
  }
  return file;
}

// Appends to `bytes` from the file until it has `size` of them or the file ends; an errno, or 0.
int ReadUpTo(int file, std::size_t size, std::vector<std::byte>& bytes) {
  std::size_t have = bytes.size();
  bytes.resize(size);
  while (have < size) {
    const ssize_t count = read(file, bytes.data() + have, size - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  bytes.resize(have);
  return 0;
}

}  // namespace

InputFile ReadInput(const std::string& input, const std::string& key, bool named_like_an_image,
                    std::int64_t max_bytes) {
  const UniqueFd file = Open(input, key);
  if (!file.valid()) {
    // What open() says of a socket, or of a device without a driver.
    if (errno == ENXIO || errno == ENODEV) return Skipped{"not-a-file"};
    return Unreadable("open", errno, named_like_an_image);
  }
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return Unreadable("examine", errno, named_like_an_image);
  if (!S_ISREG(status.st_mode)) return Skipped{"not-a-file"};

  std::vector<std::byte> bytes;
  if (const int error = ReadUpTo(file.get(), kSniffBytes, bytes); error != 0) {
    return Unreadable("read", error, named_like_an_image);
  }
  if (!SniffFormat(bytes)) {
    if (!named_like_an_image) return Skipped{"not-an-image"};
    if (bytes.empty()) return Failed{ErrorCode::kEmpty, "the file is empty (0 bytes)", false};
    return Failed{ErrorCode::kNotAnImage,
                  "named like an image, but its first bytes are those of no known format", false};
  }
  if (status.st_size > max_bytes) {
    return Failed{ErrorCode::kTooLarge,
                  fmt::format("{} bytes are over the cap of {} (option max_bytes)", status.st_size,
                              max_bytes),
                  false};
  }
  const auto size = std::max(static_cast<std::size_t>(status.st_size), bytes.size());
  try {
    if (const int error = ReadUpTo(file.get(), size, bytes); error != 0) {
      return Unreadable("read", error, named_like_an_image);
    }
  } catch (const std::bad_alloc&) {
    return Failed{ErrorCode::kTooLarge, "not enough memory to read it", false};
  }
  return bytes;
}

}  // namespace millrace
