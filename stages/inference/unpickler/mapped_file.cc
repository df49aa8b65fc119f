#include "stages/inference/unpickler/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace millrace {
namespace {

struct FileDescriptor {
  int value;
  ~FileDescriptor() {
    if (value >= 0) close(value);
  }
};

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::Open(const std::string& path) {
  // O_NONBLOCK: a FIFO is refused below, not waited on.
  const FileDescriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.value < 0) {
    const int error = errno;
    const auto code =
        error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kUnreadable;
    return Fail(code, "cannot open " + path + ": " + ErrnoText(error));
  }
  struct stat status {};
  if (fstat(file.value, &status) != 0) {
    return Fail(ErrorCode::kUnreadable, "cannot stat " + path + ": " + ErrnoText(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kUnreadable, "cannot read " + path + ": not a regular file");
  }
  if (status.st_size == 0) {
    return Fail(ErrorCode::kEmpty, "cannot read " + path + ": the file is empty");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.value, 0);
  if (data == MAP_FAILED) {
    return Fail(ErrorCode::kUnreadable, "cannot map " + path + ": " + ErrnoText(errno));
  }
  return std::make_shared<const MappedFile>(static_cast<const std::byte*>(data), status);
}

MappedFile::MappedFile(const std::byte* data, const struct stat& status)
    : data_(data), size_(static_cast<std::size_t>(status.st_size)), status_(status) {}

bool MappedFile::IsStill(const std::string& path) const {
  struct stat now {};
  return stat(path.c_str(), &now) == 0 && now.st_dev == status_.st_dev &&
         now.st_ino == status_.st_ino && now.st_size == status_.st_size &&
         now.st_mtim.tv_sec == status_.st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == status_.st_mtim.tv_nsec;
}

MappedFile::~MappedFile() { munmap(const_cast<std::byte*>(data_), size_); }

}  // namespace millrace
