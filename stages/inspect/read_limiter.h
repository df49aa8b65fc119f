// Who of a machine's workers may read from a disk now: a hard disk that reads many files at once
// spends its time seeking, and a network mount is shared with others.
//
// A root has `readers` lock files in a folder of this user's; whoever reads holds one. The kernel
// lets go of it when its owner dies.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/os/unique_fd.h"
#include "stages/inspect/options.h"

namespace millrace {

class ReadLimiter {
 public:
  // Held while a file is read, one at a time. Destroyed before the slots.
  class Hold {
   public:
    Hold() = default;
    explicit Hold(int fd) : fd_(fd) {}
    Hold(Hold&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Hold& operator=(Hold&&) = delete;
    ~Hold();

   private:
    int fd_ = -1;
  };

  // Makes and opens the lock files, once and for all, so that it works in a sandbox afterwards.
  // `folder`: made where it is missing, for this user alone; kWriteFailed where that cannot be.
  static Result<ReadLimiter> Open(const std::vector<ReaderLimit>& limits,
                                  const std::string& folder);
  // A folder that all workers of this user on this machine share.
  static std::string SharedFolder();

  // Waits until a file of this path may be read. Of no use where no root covers it.
  [[nodiscard]] Hold Enter(std::string_view path) const;
  // Whether reads of it are counted.
  [[nodiscard]] bool Covers(std::string_view path) const { return Find(path) != nullptr; }

 private:
  struct Root {
    std::string path;
    std::vector<UniqueFd> locks;
  };
  [[nodiscard]] const Root* Find(std::string_view path) const;

  std::vector<Root> roots_;  // the longest path first
};

}  // namespace millrace
