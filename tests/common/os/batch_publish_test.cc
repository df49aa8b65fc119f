#include "common/os/batch_publish.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

std::ptrdiff_t FilesIn(const std::string& folder) {
  const std::filesystem::directory_iterator begin(folder);
  return std::distance(begin, std::filesystem::directory_iterator());
}

TogetherItem Item(const TemporaryFolder& folder, const std::vector<std::string>& keys) {
  TogetherItem item;
  for (const std::string& key : keys) {
    item.files.push_back(AtomicFile::Create(folder.path(), key).value());
    REQUIRE(item.files.back().Append("bytes of " + key));
  }
  return item;
}

FileStamp StampOf(const std::string& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return {status.st_size, status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
}

void Nothing() {}

TEST_CASE("many files appear together, each with its bytes, and are known as they were published") {
  for (const Syncing syncing : {Syncing::kBefore, Syncing::kNone}) {
    const TemporaryFolder folder;
    std::vector<TogetherItem> items;
    for (int i = 0; i < 40; ++i) {
      const std::string name = std::to_string(i % 3) + "/" + std::to_string(i);
      items.push_back(Item(folder, {name + ".jpg", name + ".mask.png"}));
    }
    std::atomic<int> progress{0};
    BatchPublish(items, syncing, [&] { ++progress; });
    for (int i = 0; i < 40; ++i) {
      const std::string key = std::to_string(i % 3) + "/" + std::to_string(i) + ".jpg";
      const TogetherItem& item = items[static_cast<std::size_t>(i)];
      CHECK(folder.Read(key) == "bytes of " + key);
      CHECK(!item.error);
      REQUIRE(item.stamps.size() == 2);
      CHECK(item.stamps[0] == StampOf(folder.At(key)));
    }
    CHECK(FilesIn(folder.At(".millrace/tmp")) == 0);
    // A step for each item's renames; with syncs, one for each file and each folder too.
    CHECK(progress == (syncing == Syncing::kNone ? 40 : 40 + 80 + 4));
  }
}

TEST_CASE("nothing is put into place before everything is written, and each item is asked for") {
  const TemporaryFolder folder;
  std::vector<TogetherItem> items;
  items.push_back(Item(folder, {"a.jpg"}));
  items.push_back(Item(folder, {"b.jpg"}));
  int asked = 0;
  items[0].before_publish = [&] {
    CHECK(FilesIn(folder.At(".millrace/tmp")) == 2);
    return ++asked > 0;
  };
  items[1].before_publish = [&] {
    CHECK(FilesIn(folder.At(".millrace/tmp")) == 1);
    return ++asked > 0;
  };
  BatchPublish(items, Syncing::kBefore, Nothing);
  CHECK(asked == 2);
}

TEST_CASE("an item that cannot be put into place, or must not, costs no other one anything") {
  const TemporaryFolder folder;
  folder.Folder("bad.jpg/full");
  folder.File("theirs.jpg", "by another worker");
  std::vector<TogetherItem> items;
  items.push_back(Item(folder, {"first.jpg", "bad.jpg", "never.jpg"}));
  items.push_back(Item(folder, {"theirs.jpg"}));
  items.push_back(Item(folder, {"good.jpg"}));
  items[1].before_publish = [] { return false; };
  BatchPublish(items, Syncing::kBefore, Nothing);
  REQUIRE(items[0].error);
  CHECK(items[0].error->error_number == EISDIR);
  CHECK(!folder.Has("never.jpg"));
  CHECK(items[1].refused);
  CHECK(!items[1].error);
  CHECK(folder.Read("theirs.jpg") == "by another worker");
  CHECK(!items[2].error);
  CHECK(!items[2].refused);
  CHECK(folder.Read("good.jpg") == "bytes of good.jpg");
  CHECK(FilesIn(folder.At(".millrace/tmp")) == 0);
}

TEST_CASE("no item is no work") { BatchPublish({}, Syncing::kBefore, Nothing); }

}  // namespace
}  // namespace millrace
