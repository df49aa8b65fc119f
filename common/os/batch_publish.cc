#include "common/os/batch_publish.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "common/os/thread_name.h"

namespace millrace {
namespace {

// Enough for a disk to take them as one; each is a thread that sleeps.
constexpr std::size_t kMaxAtOnce = 32;

// Calls `each` for 0 to count - 1, several at a time.
void ForEachAtOnce(std::size_t count, const std::function<void(std::size_t)>& each) {
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) each(i);
  };
  std::vector<std::jthread> threads;
  try {
    while (threads.size() + 1 < std::min(count, kMaxAtOnce)) {
      threads.emplace_back([&work] {
        NameThread("sync");
        work();
      });
    }
  } catch (const std::system_error&) {
    // No more threads are to be had: those that there are do it all, and this one does.
  }
  work();
}

void SyncFiles(std::span<TogetherItem> items, const std::function<void()>& progress) {
  struct Sync {
    TogetherItem* item;
    AtomicFile* file;
    WriteResult<void> result;
  };
  std::vector<Sync> syncs;
  for (TogetherItem& item : items) {
    for (AtomicFile& file : item.files) syncs.push_back({&item, &file, {}});
  }
  ForEachAtOnce(syncs.size(), [&](std::size_t i) {
    syncs[i].result = syncs[i].file->Sync();
    progress();
  });
  for (Sync& sync : syncs) {
    if (!sync.result) sync.item->error = std::move(sync.result).error();
  }
}

// The folders that wait for a sync, and whose items fail where it fails.
using Waiting = std::map<std::string, std::vector<TogetherItem*>>;

void Rename(TogetherItem& item, Waiting& waiting) {
  UnsyncedFolders unsynced;
  for (AtomicFile& file : item.files) {
    auto published = file.Rename(item.before_publish, unsynced);
    if (!published) {
      item.error = std::move(published).error();
    } else if (!*published) {
      item.refused = true;
    } else {
      item.stamps.push_back(**published);
      continue;
    }
    break;
  }
  for (const std::string& folder : unsynced) waiting[folder].push_back(&item);
}

void SyncFolders(const Waiting& waiting, const std::function<void()>& progress) {
  std::vector<std::pair<std::string, WriteResult<void>>> syncs;
  for (const auto& entry : waiting) syncs.emplace_back(entry.first, WriteResult<void>());
  ForEachAtOnce(syncs.size(), [&](std::size_t i) {
    syncs[i].second = SyncFolder(syncs[i].first);
    progress();
  });
  for (const auto& [failed, result] : syncs) {
    if (result) continue;
    // A folder below it may be the new entry that was to be synced, whoever made it.
    for (const auto& [folder, items] : waiting) {
      if (folder != failed && !folder.starts_with(failed + "/")) continue;
      for (TogetherItem* item : items) item->error = result.error();
    }
  }
}

}  // namespace

void BatchPublish(std::span<TogetherItem> items, Syncing syncing,
                  const std::function<void()>& progress) {
  if (syncing == Syncing::kBefore) SyncFiles(items, progress);
  Waiting waiting;
  for (TogetherItem& item : items) {
    if (!item.error) Rename(item, waiting);
    item.files.clear();  // and with them what was not published
    progress();
  }
  if (syncing == Syncing::kBefore) SyncFolders(waiting, progress);
}

}  // namespace millrace
