#include "stages/inference/unpickler/mapped_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

TEST_CASE("a mapped file knows whether its path still leads to it, unchanged") {
  const TemporaryFolder folder;
  folder.File("w.pth", "weights");
  folder.File("other.pth", "weights");
  const std::string path = folder.At("w.pth");
  const timespec times[2] = {{1, 0}, {1'700'000'000, 5}};
  for (const char* name : {"w.pth", "other.pth"}) {
    REQUIRE(utimensat(AT_FDCWD, folder.At(name).c_str(), times, 0) == 0);
  }
  const auto file = MappedFile::Open(path).value();
  CHECK(file->IsStill(path));
  const timespec later[2] = {{1, 0}, {1'700'000'000, 6}};
  REQUIRE(utimensat(AT_FDCWD, path.c_str(), later, 0) == 0);
  CHECK_FALSE(file->IsStill(path));
  REQUIRE(utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  CHECK(file->IsStill(path));
  std::filesystem::rename(folder.At("other.pth"), path);
  CHECK_FALSE(file->IsStill(path));
  std::filesystem::remove(path);
  CHECK_FALSE(file->IsStill(path));
}

}  // namespace
}  // namespace millrace
