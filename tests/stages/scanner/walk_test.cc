#include "stages/scanner/walk.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/os/unique_fd.h"
#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

InputTree OpenTree(const TemporaryFolder& folder) {
  RunInfo run;
  run.input = folder.path();
  auto tree = InputTree::Open(run);
  REQUIRE(tree);
  return *tree;
}

std::vector<std::string> Keys(Walk& walk) {
  std::vector<std::string> keys;
  Visit visit;
  for (;;) {
    const auto more = walk.Next(visit);
    REQUIRE(more);
    if (!*more) return keys;
    keys.push_back(visit.key);
  }
}

TEST_CASE("names given up for memory are read again where the walk comes back") {
  const TemporaryFolder folder;
  for (int i = 0; i < 30; ++i) {
    const std::string name = "folder-" + std::to_string(i);
    for (int j = 0; j < 40; ++j) {
      folder.File(name + "/deep/" + std::to_string(j) + ".jpg", "x");
      folder.File(name + "/" + std::to_string(j) + ".jpg", "x");
    }
  }
  const InputTree tree = OpenTree(folder);
  const Filters filters;
  Walk roomy(tree, filters, "");
  const auto expected = Keys(roomy);
  CHECK(expected.size() == 30 * 80 + 60);

  // Room for one small folder: every one above is dropped and read again.
  Walk tight(tree, filters, "", 1);
  std::size_t most = 0;
  std::vector<std::string> keys;
  Visit visit;
  while (*tight.Next(visit)) {
    keys.push_back(visit.key);
    most = std::max(most, tight.HeldBytes());
  }
  CHECK(keys == expected);
  CHECK(most < 6000);
}

TEST_CASE("a walk goes on from each of its positions with what it had not visited") {
  const TemporaryFolder folder;
  for (const char* name : {"a/b/c.jpg", "a/b.jpg", "b/a.jpg", "b.jpg"}) folder.File(name, "x");
  folder.Folder("a/empty");
  const InputTree tree = OpenTree(folder);
  const Filters filters;
  Walk whole(tree, filters, "");
  const auto keys = Keys(whole);
  Walk walk(tree, filters, "");
  Visit visit;
  for (std::size_t visited = 1; *walk.Next(visit); ++visited) {
    CAPTURE(walk.Position());
    Walk resumed(tree, filters, walk.Position());
    const std::vector<std::string> rest(keys.begin() + static_cast<std::ptrdiff_t>(visited),
                                        keys.end());
    CHECK(Keys(resumed) == rest);
  }
}

TEST_CASE("a folder that has become a file since the last chunk is reported as one") {
  const TemporaryFolder folder;
  folder.File("a/b.jpg", "x");
  folder.File("c.jpg", "x");
  const InputTree tree = OpenTree(folder);
  const Filters filters;
  std::filesystem::remove_all(folder.At("a"));
  folder.File("a", "text");
  Walk walk(tree, filters, "a/b.jpg");
  CHECK(Keys(walk) == std::vector<std::string>{"a", "c.jpg"});
}

TEST_CASE("a hundred thousand names of one folder take under four megabytes") {
  const TemporaryFolder folder;
  folder.File("0000000000.jpg", "x");
  for (int i = 1; i < 100'000; ++i) {
    const std::string number = std::to_string(i);
    const std::string name = std::string(10 - number.size(), '0') + number + ".jpg";
    REQUIRE(link(folder.At("0000000000.jpg").c_str(), folder.At(name).c_str()) == 0);
    if (i % 50'000 == 0) REQUIRE(unlink(folder.At("0000000000.jpg").c_str()) == 0);
    if (i % 50'000 == 0) folder.File("0000000000.jpg", "x");  // ext4: 65,000 links to a file
  }
  const UniqueFd directory(open(folder.path().c_str(), O_RDONLY | O_DIRECTORY));
  DirectoryNames names;
  REQUIRE(names.Load(directory.get(), "", false) == 0);
  REQUIRE(names.size() == 100'000);
  CHECK(names[0].text == "0000000000.jpg");
  CHECK(names[99'999].text == "0000099999.jpg");
  CHECK(names.bytes() < std::size_t{4} << 20);
}

}  // namespace
}  // namespace millrace
