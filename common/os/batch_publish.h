// Files of several items that appear together, for less than the sum of each by itself.
//
// A sync waits for the disk to empty its cache, however little there is to write. Syncs that are
// under way at the same time wait together: so all files are synced at once, then all renamed, then
// each folder synced once.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "common/os/atomic_file.h"

namespace millrace {

struct TogetherItem {
  // Written, to be published. Taken by BatchPublish.
  std::vector<AtomicFile> files;
  // As for AtomicFile::Publish; asked for each file.
  std::function<bool()> before_publish;

  // What became of it. Not all files of an item that failed or was refused need be there.
  std::optional<WriteError> error;
  bool refused = false;           // `before_publish` said false
  std::vector<FileStamp> stamps;  // one a file, in their order, where all were published
};

// Publishes the files of all items. What fails is the failure of the items concerned and of no
// other. `progress` is called after each step, by any thread.
void BatchPublish(std::span<TogetherItem> items, Syncing syncing,
                  const std::function<void()>& progress);

}  // namespace millrace
