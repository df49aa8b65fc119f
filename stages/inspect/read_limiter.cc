#include "stages/inspect/read_limiter.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace millrace {
namespace {

// One file name a root: its path with what no file name may hold, and the escape itself, in hex.
std::string FileName(std::string_view root, int slot) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string name = "root";
  for (const char c : root) {
    if (c == '/' || c == '%') {
      const auto byte = static_cast<unsigned char>(c);
      name += {'%', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      name += c;
    }
  }
  return name + '.' + std::to_string(slot);
}

Error Problem(const std::string& path) {
  return {ErrorCode::kWriteFailed,
          "cannot make " + path + " for counting readers: " + ErrnoText(errno)};
}

Result<void> MakeFolder(const std::string& folder) {
  struct stat status {};
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return Fail(Problem(folder));
  if (lstat(folder.c_str(), &status) != 0) return Fail(Problem(folder));
  if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid()) {
    return Fail(ErrorCode::kWriteFailed, folder + " is not a folder of this user; remove it");
  }
  return {};
}

}  // namespace

ReadLimiter::Hold::~Hold() {
  if (fd_ >= 0) flock(fd_, LOCK_UN);
}

std::string ReadLimiter::SharedFolder() {
  return "/tmp/millrace-readers-" + std::to_string(geteuid());
}

Result<ReadLimiter> ReadLimiter::Open(const std::vector<ReaderLimit>& limits,
                                      const std::string& folder) {
  ReadLimiter slots;
  if (!limits.empty()) RETURN_IF_ERROR(MakeFolder(folder));
  for (const ReaderLimit& limit : limits) {
    Root root{limit.root, {}};
    for (int slot = 0; slot < limit.readers; ++slot) {
      const std::string path = folder + '/' + FileName(limit.root, slot);
      UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
      if (!fd.valid()) return Fail(Problem(path));
      root.locks.push_back(std::move(fd));
    }
    slots.roots_.push_back(std::move(root));
  }
  return slots;
}

const ReadLimiter::Root* ReadLimiter::Find(std::string_view path) const {
  for (const Root& root : roots_) {
    const bool inside = path.starts_with(root.path) &&
                        (path.size() == root.path.size() || path[root.path.size()] == '/');
    if (inside) return &root;
  }
  return nullptr;
}

ReadLimiter::Hold ReadLimiter::Enter(std::string_view path) const {
  const Root* root = Find(path);
  if (root == nullptr) return {};
  for (const UniqueFd& lock : root->locks) {
    if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return Hold(lock.get());
  }
  // All are taken: each worker waits for one of its own, so that the queues are about equal.
  const int fd = root->locks[static_cast<std::size_t>(getpid()) % root->locks.size()].get();
  while (flock(fd, LOCK_EX) != 0) {
    if (errno != EINTR) return {};  // ENOLCK: reading is better than not reading
  }
  return Hold(fd);
}

}  // namespace millrace
