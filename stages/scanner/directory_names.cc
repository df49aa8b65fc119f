#include "stages/scanner/directory_names.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace millrace {
namespace {

constexpr std::size_t kFirstBlock = std::size_t{4} << 10;
constexpr std::size_t kMaxBlock = std::size_t{1} << 20;

}  // namespace

int DirectoryNames::Load(int fd, std::string_view after, bool with_after) {
  Clear();
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);  // closedir() closes what it was given
  if (copy < 0) return errno;
  DIR* directory = fdopendir(copy);
  if (directory == nullptr) {
    const int error = errno;
    close(copy);
    return error;
  }
  int error = 0;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(directory);
    if (entry == nullptr) {
      error = errno;
      break;
    }
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    if (name > after || (with_after && name == after)) Add(name, entry->d_type);
  }
  closedir(directory);
  std::sort(names_.begin(), names_.end(),
            [](const char* a, const char* b) { return std::strcmp(a + 1, b + 1) < 0; });
  names_.shrink_to_fit();
  bytes_ += names_.capacity() * sizeof(const char*);
  return error;
}

DirectoryNames::Name DirectoryNames::operator[](std::size_t index) const {
  const char* stored = names_[index];
  return {stored + 1, static_cast<unsigned char>(*stored)};
}

void DirectoryNames::Clear() {
  blocks_ = decltype(blocks_)();
  names_ = decltype(names_)();
  block_used_ = block_size_ = bytes_ = 0;
}

void DirectoryNames::Add(std::string_view name, unsigned char type) {
  const std::size_t needed = name.size() + 2;
  if (block_size_ - block_used_ < needed) {
    block_size_ = std::clamp(block_size_ * 2, kFirstBlock, kMaxBlock);
    block_size_ = std::max(block_size_, needed);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(block_size_));
    block_used_ = 0;
    bytes_ += block_size_;
  }
  char* stored = blocks_.back().get() + block_used_;
  stored[0] = static_cast<char>(type);
  std::memcpy(stored + 1, name.data(), name.size());
  stored[needed - 1] = '\0';
  names_.push_back(stored);
  block_used_ += needed;
}

}  // namespace millrace
