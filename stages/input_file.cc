#include "stages/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <span>

#include "common/base/path_below.h"
#include "common/image/sniff.h"
#include "common/os/file_time.h"
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

NoInput Unreadable(const char* doing, int error_number, bool named_like_an_image) {
  const bool retryable = MayPass(error_number);
  if (!named_like_an_image && !retryable) return Skipped{"unreadable"};
  return Failed{ErrorCode::kUnreadable,
                fmt::format("cannot {} it: {}", doing, ErrnoText(error_number)), retryable};
}

UniqueFd OpenPath(const std::string& input, const std::string& key) {
  // O_NONBLOCK: a FIFO named x.jpg is not waited on.
  constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  UniqueFd file(open((input + "/" + key).c_str(), kFlags));
  const std::size_t slash = input.rfind('/');
  if (!file.valid() && errno == ENOTDIR && slash != std::string::npos) {
    file = UniqueFd(open((input.substr(0, slash) + "/" + key).c_str(), kFlags));
  }
  return file;
}

// Reads until buffer[have, size) is full or the file ends, and adds to `have`; an errno, or 0.
int ReadUpTo(int file, std::size_t size, std::vector<std::byte>& buffer, std::size_t& have) {
  if (buffer.size() < size) {
    // Not resize(): that keeps the old buffer beside the new one while it copies.
    std::vector<std::byte> head(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(have));
    std::vector<std::byte>().swap(buffer);
    buffer.resize(size);
    std::copy(head.begin(), head.end(), buffer.begin());
  }
  while (have < size) {
    const ssize_t count = read(file, buffer.data() + have, size - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  return 0;
}

}  // namespace

std::variant<InputFile, NoInput> InputFile::Open(const std::string& input, const std::string& key,
                                                 bool named_like_an_image) {
  if (!IsPathBelow(key)) {
    return Failed{ErrorCode::kProtocol, "its name is not a path below INPUT", false};
  }
  InputFile file(OpenPath(input, key), named_like_an_image);
  if (!file.fd_.valid()) {
    // What open() says of a socket, or of a device without a driver.
    if (errno == ENXIO || errno == ENODEV) return Skipped{"not-a-file"};
    return Unreadable("open", errno, named_like_an_image);
  }
  struct stat status {};
  if (fstat(file.fd_.get(), &status) != 0) return Unreadable("examine", errno, named_like_an_image);
  if (!S_ISREG(status.st_mode)) return Skipped{"not-a-file"};
  file.bytes_ = status.st_size;
  file.mtime_ns_ = MtimeNs(status);
  return file;
}

void InputFile::ReadAhead() const {
  // Advice: a file system that does not take it reads later.
  [[maybe_unused]] const int ignored = posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_WILLNEED);
}

std::variant<std::span<const std::byte>, NoInput> InputFile::Read(
    std::int64_t max_bytes, std::vector<std::byte>& buffer) const {
  std::size_t have = 0;
  if (const int error = ReadUpTo(fd_.get(), kSniffBytes, buffer, have); error != 0) {
    return Unreadable("read", error, named_like_an_image_);
  }
  if (!SniffFormat(std::span(buffer).first(have))) {
    if (!named_like_an_image_) return Skipped{"not-an-image"};
    if (LooksLikeOtherPicture(std::span(buffer).first(have))) {
      return Failed{ErrorCode::kUnsupportedFormat,
                    "it begins like a picture of a format that is not read here", false};
    }
    if (have == 0) return Failed{ErrorCode::kEmpty, "the file is empty (0 bytes)", false};
    return Failed{ErrorCode::kNotAnImage,
                  "named like an image, but its first bytes are those of no known format", false};
  }
  if (bytes_ > max_bytes) {
    return Failed{
        ErrorCode::kTooLarge,
        fmt::format("{} bytes are over the cap of {} (option max_bytes)", bytes_, max_bytes),
        false};
  }
  try {
    const auto size = std::max(static_cast<std::size_t>(bytes_), have);
    if (const int error = ReadUpTo(fd_.get(), size, buffer, have); error != 0) {
      return Unreadable("read", error, named_like_an_image_);
    }
  } catch (const std::bad_alloc&) {
    return Failed{ErrorCode::kTooLarge, "not enough memory to read it", false};
  }
  return std::span<const std::byte>(buffer).first(have);
}

std::span<const std::byte> InputFile::Head(std::size_t most, std::vector<std::byte>& buffer) const {
  if (buffer.size() < most) buffer.resize(most);
  std::size_t have = 0;
  while (have < most) {
    const ssize_t count =
        pread(fd_.get(), buffer.data() + have, most - have, static_cast<off_t>(have));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    have += static_cast<std::size_t>(count);
  }
  return std::span<const std::byte>(buffer).first(have);
}

bool InputFile::Changed() const {
  struct stat status {};
  return fstat(fd_.get(), &status) != 0 || status.st_size != bytes_ || MtimeNs(status) != mtime_ns_;
}

std::variant<std::vector<std::byte>, NoInput> ReadInput(const std::string& input,
                                                        const std::string& key,
                                                        bool named_like_an_image,
                                                        std::int64_t max_bytes) {
  auto opened = InputFile::Open(input, key, named_like_an_image);
  if (auto* none = std::get_if<NoInput>(&opened)) return std::move(*none);
  std::vector<std::byte> buffer;
  auto read = std::get<InputFile>(opened).Read(max_bytes, buffer);
  if (auto* none = std::get_if<NoInput>(&read)) return std::move(*none);
  buffer.resize(std::get<std::span<const std::byte>>(read).size());
  return buffer;
}

}  // namespace millrace
