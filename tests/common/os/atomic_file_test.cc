#include "common/os/atomic_file.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>

#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

std::ptrdiff_t FilesIn(const std::string& folder) {
  const std::filesystem::directory_iterator begin(folder);
  return std::distance(begin, std::filesystem::directory_iterator());
}

TEST_CASE("a file appears under its key, its folders made, and nothing is left beside it") {
  const TemporaryFolder folder;
  const std::string root = folder.At("new/out");
  const auto written = WriteAtomically(root, "a/b/\xff c.jpg", "pixels");
  REQUIRE(written);
  REQUIRE(*written);
  CHECK(folder.Read("new/out/a/b/\xff c.jpg") == "pixels");
  CHECK(FilesIn(root + "/.millrace/tmp") == 0);
  struct stat status {};
  REQUIRE(stat(folder.At("new/out/a/b/\xff c.jpg").c_str(), &status) == 0);
  CHECK((*written)->bytes == 6);
  CHECK((*written)->mtime_ns == status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec);
}

TEST_CASE("a file that exists is replaced whole") {
  const TemporaryFolder folder;
  folder.File("a.jpg", "the old one, which is longer");
  REQUIRE(WriteAtomically(folder.path(), "a.jpg", "new"));
  CHECK(folder.Read("a.jpg") == "new");
}

TEST_CASE("a file has the mode that any program's would have") {
  const TemporaryFolder folder;
  const mode_t before = umask(027);
  const auto written = WriteAtomically(folder.path(), "a.jpg", "x");
  umask(before);
  REQUIRE(written);
  struct stat status {};
  REQUIRE(stat(folder.At("a.jpg").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("nothing is seen before publishing, and what is never published is removed") {
  const TemporaryFolder folder;
  {
    auto file = AtomicFile::Create(folder.path(), "a.jpg");
    REQUIRE(file);
    REQUIRE(file->Append("half"));
    CHECK(!folder.Has("a.jpg"));
    CHECK(FilesIn(folder.At(".millrace/tmp")) == 1);
    AtomicFile moved = std::move(*file);
    CHECK(FilesIn(folder.At(".millrace/tmp")) == 1);
  }
  CHECK(!folder.Has("a.jpg"));
  CHECK(FilesIn(folder.At(".millrace/tmp")) == 0);
}

TEST_CASE("a writer that may not publish any more drops its file and leaves the other's") {
  const TemporaryFolder folder;
  folder.File("a.jpg", "by another worker");
  const std::string text = "mine";
  const auto written = WriteAtomically(folder.path(), "a.jpg",
                                       std::as_bytes(std::span(text.data(), text.size())), [&] {
                                         CHECK(FilesIn(folder.At(".millrace/tmp")) == 1);
                                         return false;
                                       });
  REQUIRE(written);
  CHECK(!*written);
  CHECK(folder.Read("a.jpg") == "by another worker");
  CHECK(FilesIn(folder.At(".millrace/tmp")) == 0);
}

TEST_CASE("a key that leaves the folder, or is none, is refused") {
  const TemporaryFolder folder;
  for (const std::string key :
       {"", "/etc/x", "../x", "a/../../x", "a//b", "a/", "./a", "a/.", ".."}) {
    const auto written = WriteAtomically(folder.path(), key, "x");
    REQUIRE_MESSAGE(!written, key);
    CHECK(written.error().code == ErrorCode::kUsage);
  }
  CHECK(!WriteAtomically(folder.path(), std::string("a\0b", 3), "x"));
  CHECK(WriteAtomically(folder.path(), "..a/...", "x"));
}

TEST_CASE("a write that fails says what, where and why, and leaves nothing") {
  const TemporaryFolder folder;
  folder.Folder("a.jpg/full");
  folder.File("b", "a file");
  auto written = WriteAtomically(folder.path(), "a.jpg", "x");
  REQUIRE(!written);
  CHECK(written.error().code == ErrorCode::kWriteFailed);
  CHECK(written.error().error_number == EISDIR);
  CHECK(!written.error().MayPass());
  CHECK(written.error().message ==
        "cannot put into place " + folder.At("a.jpg") + ": Is a directory");
  written = WriteAtomically(folder.path(), "b/c.jpg", "x");
  REQUIRE(!written);
  CHECK(written.error().message.find(folder.At("b")) != std::string::npos);
  written = WriteAtomically(folder.path(), std::string(300, 'a'), "x");
  REQUIRE(!written);
  CHECK(written.error().error_number == ENAMETOOLONG);
  CHECK(FilesIn(folder.At(".millrace/tmp")) == 0);
}

TEST_CASE("a file that outgrows what may be written is removed") {
  const TemporaryFolder folder;
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto written = WriteAtomically(folder.path(), "a.jpg", std::string(2000, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  REQUIRE(!written);
  CHECK(written.error().error_number == EFBIG);
  CHECK(!folder.Has("a.jpg"));
  CHECK(FilesIn(folder.At(".millrace/tmp")) == 0);
}

TEST_CASE("a full disk is told with the way on, may pass, and leaves nothing") {
  const TemporaryFolder folder;
  folder.Folder("small");
  // A tmpfs of this process's own; where that is not allowed there is no full disk to be had.
  if ((unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ||
      mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("small", folder.At("small").c_str(), "tmpfs", 0, "size=64k") != 0) {
    MESSAGE("not tested: this machine lets no test mount a tmpfs");
    return;
  }
  const auto written = WriteAtomically(folder.At("small"), "a.jpg", std::string(100'000, 'x'));
  REQUIRE(!written);
  CHECK(written.error().error_number == ENOSPC);
  CHECK(written.error().MayPass());
  CHECK(written.error().message ==
        "cannot write " + folder.At("small/a.jpg") +
            ": No space left on device; make room there and run the same command again");
  CHECK(!folder.Has("small/a.jpg"));
  CHECK(FilesIn(folder.At("small/.millrace/tmp")) == 0);
  CHECK(WriteAtomically(folder.At("small"), "b.jpg", "small enough"));
  umount(folder.At("small").c_str());
}

TEST_CASE("what a killed writer left behind is removed, and only that") {
  const TemporaryFolder folder;
  folder.File(".millrace/tmp/0123456789abcdef.part", "half");
  folder.File(".millrace/report.json", "{}");
  RemoveTemporaries(folder.path());
  CHECK(!folder.Has(".millrace/tmp/0123456789abcdef.part"));
  CHECK(folder.Has(".millrace/report.json"));
  RemoveTemporaries(folder.At("none"));
}

}  // namespace
}  // namespace millrace
