#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "common/os/executable_dir.h"
#include "common/os/file_lock.h"
#include "common/os/limits.h"
#include "common/os/random.h"
#include "common/os/temp_dir.h"
#include "common/os/unique_fd.h"

namespace millrace {
namespace {

bool Exists(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0;
}

TEST_CASE("a folder for sockets is private, short, and gone with its owner") {
  std::string path;
  {
    auto made = TempDir::Create();
    REQUIRE(made);
    path = made->path();
    struct stat info {};
    REQUIRE(stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
    CHECK(path.size() <= TempDir::kMaxPathBytes);
    std::ofstream(path + "/file") << "x";
    TempDir moved = std::move(*made);
    CHECK(moved.path() == path);
    CHECK(Exists(path));
  }
  CHECK_FALSE(Exists(path));
}

TEST_CASE("a parent that would make a socket's path too long is refused") {
  const auto made = TempDir::CreateIn("/tmp/" + std::string(80, 'x'));
  REQUIRE_FALSE(made);
  CHECK(made.error().code == ErrorCode::kUsage);
}

TEST_CASE("a lock has one owner until it lets go") {
  auto folder = TempDir::Create();
  REQUIRE(folder);
  const std::string path = folder->path() + "/lock";
  {
    const auto first = FileLock::Acquire(path);
    REQUIRE(first);
    const auto second = FileLock::Acquire(path);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == ErrorCode::kUnavailable);
  }
  CHECK(FileLock::Acquire(path).has_value());
  CHECK(FileLock::Acquire("/nowhere/lock").error().code == ErrorCode::kWriteFailed);
}

TEST_CASE("a descriptor closes with its owner, once") {
  const int raw = open("/dev/null", O_RDONLY | O_CLOEXEC);
  {
    UniqueFd fd(raw);
    UniqueFd other(std::move(fd));
    CHECK_FALSE(fd.valid());  // NOLINT(bugprone-use-after-move,clang-analyzer-cplusplus.Move): that
                              // is what is tested
    CHECK(fcntl(raw, F_GETFD) >= 0);
  }
  CHECK(fcntl(raw, F_GETFD) == -1);
}

TEST_CASE("random bytes come in the length asked for and do not repeat") {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto bytes = RandomBytes(16);
    REQUIRE(bytes);
    CHECK(bytes->size() == 16);
    CHECK(seen.insert(*bytes).second);
    CHECK(RandomId().value() != 0);
  }
}

TEST_CASE("an executable knows its folder") {
  const auto folder = ExecutableDir();
  REQUIRE(folder);
  CHECK(Exists(*folder + "/os_test"));
}

TEST_CASE("the limit on open files can be raised to the hard one, again and again") {
  const auto first = RaiseOpenFiles();
  REQUIRE(first);
  CHECK(*first == static_cast<std::size_t>(sysconf(_SC_OPEN_MAX)));
  CHECK(RaiseOpenFiles().value() == *first);
}

}  // namespace
}  // namespace millrace
