// A file's bytes, mapped read-only.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "common/base/result.h"

namespace millrace {

class MappedFile {
 public:
  // kNotFound, kUnreadable (also a directory or a device), kEmpty. A file that is cut short while
  // it is mapped ends the process with SIGBUS, as it would with any mapping of it.
  static Result<std::shared_ptr<const MappedFile>> Open(const std::string& path);

  MappedFile(const std::byte* data, const struct stat& status);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  // Whether the path leads to this file, and nobody has written to it since it was mapped.
  [[nodiscard]] bool IsStill(const std::string& path) const;

 private:
  const std::byte* data_;
  std::size_t size_;
  struct stat status_;
};

}  // namespace millrace
