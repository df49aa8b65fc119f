#include "stages/scanner/classify.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>

#include "common/image/sniff.h"
#include "common/os/file_time.h"
#include "common/os/unique_fd.h"
#include "stages/scanner/default_excludes.h"

namespace millrace {
namespace {

Seen UnreadableOrSkipped(std::string_view key, int error_number) {
  return std::visit([](auto&& what) { return Seen(std::move(what)); },
                    UnreadableFile(key, error_number));
}

Meta FileMeta(const struct stat& status, std::string_view key) {
  Meta meta;
  meta.Set("bytes", std::int64_t{status.st_size});
  meta.Set("mtime_ns", MtimeNs(status));
  if (!NamedLikeAnImage(key)) meta.Set(std::string(kUnnamedMeta), true);
  return meta;
}

// For its first bytes.
UniqueFd OpenForItsHead(const std::string& path, bool through_link) {
  // O_NONBLOCK: a FIFO may have taken the file's place since it was looked at.
  const int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | (through_link ? 0 : O_NOFOLLOW);
  return UniqueFd(open(path.c_str(), flags));
}

// A file that is named like AppleDouble and begins like it. Where that cannot be read, it is what
// its name says else: whoever reads it will tell.
bool IsAppleDouble(const std::string& path, bool through_link) {
  const UniqueFd file = OpenForItsHead(path, through_link);
  struct stat status {};
  if (!file.valid() || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  std::array<std::byte, kAppleDoubleMagicBytes> head;
  const ssize_t count = pread(file.get(), head.data(), head.size(), 0);
  return count > 0 && HasAppleDoubleMagic(std::span(head).first(static_cast<std::size_t>(count)));
}

// A file whose name says nothing of an image: by its first bytes.
Seen Sniff(const std::string& path, std::string_view key, bool through_link) {
  const UniqueFd file = OpenForItsHead(path, through_link);
  if (!file.valid()) {
    if (errno == ENOENT) return SeenNothing();
    return UnreadableOrSkipped(key, errno);
  }
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return UnreadableOrSkipped(key, errno);
  if (!S_ISREG(status.st_mode)) return Skipped{"not-a-file"};
  std::array<std::byte, kSniffBytes> head;
  const ssize_t count = pread(file.get(), head.data(), head.size(), 0);
  if (count < 0) return UnreadableOrSkipped(key, errno);
  if (SniffFormat(std::span(head).first(static_cast<std::size_t>(count)))) {
    return FileMeta(status, key);
  }
  return Skipped{"not-an-image"};
}

Seen ExamineRegular(const std::string& path, std::string_view key, const struct stat& status,
                    bool through_link, const Look& look) {
  const bool named = NamedLikeAnImage(key);
  if (status.st_size == 0) {
    if (!named) return Skipped{"not-an-image"};
    return Failed{ErrorCode::kEmpty, "the file is empty (0 bytes)", false};
  }
  if (look.apple_double && IsNamedLikeAppleDouble(key) && IsAppleDouble(path, through_link)) {
    return Skipped{"apple-double"};
  }
  if (look.sniff && !named) return Sniff(path, key, through_link);
  return FileMeta(status, key);
}

Seen ExamineLink(const InputTree& tree, const std::string& path, std::string_view key,
                 const Look& look) {
  struct stat status {};
  const auto real = RealPath(path);
  if (!real || stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT && errno != ELOOP && errno != ENOTDIR) {
      return UnreadableOrSkipped(key, errno);
    }
    if (!NamedLikeAnImage(key)) return Skipped{"dangling-link"};
    return Failed{ErrorCode::kUnreadable, "the symbolic link leads to nothing", false};
  }
  switch (tree.PlaceOf(*real)) {
    case InputTree::Place::kOutput:
      return Skipped{"inside-output"};
    case InputTree::Place::kOutside:
      if (!look.follow_symlinks) return Skipped{"outside-input"};
      break;
    case InputTree::Place::kInside:
      break;
  }
  if (S_ISDIR(status.st_mode)) return SeenDirectory{.through_link = true};
  if (!S_ISREG(status.st_mode)) return Skipped{"not-a-file"};
  return ExamineRegular(path, key, status, true, look);
}

}  // namespace

Seen Classify(const InputTree& tree, std::string_view key, const Look& look) {
  const std::string path = tree.FullPath(key);
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return SeenNothing();
    return UnreadableOrSkipped(key, errno);
  }
  if (S_ISLNK(status.st_mode)) return ExamineLink(tree, path, key, look);
  if (S_ISDIR(status.st_mode)) return SeenDirectory();
  if (!S_ISREG(status.st_mode)) return Skipped{"not-a-file"};
  return ExamineRegular(path, key, status, false, look);
}

std::variant<Failed, Skipped> UnreadableFile(std::string_view key, int error_number) {
  if (NamedLikeAnImage(key)) return Unreadable(key, error_number);
  return Skipped{"unreadable"};
}

Failed Unreadable(std::string_view key, int error_number) {
  return {ErrorCode::kUnreadable,
          "cannot read " + std::string(key) + ": " + ErrnoText(error_number), false};
}

}  // namespace millrace
