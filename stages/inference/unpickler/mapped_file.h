// A file's bytes, mapped read-only.
#pragma once

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

  MappedFile(const std::byte* data, std::size_t size) : data_(data), size_(size) {}
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_;
  std::size_t size_;
};

}  // namespace millrace
