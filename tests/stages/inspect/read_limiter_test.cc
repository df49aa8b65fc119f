#include "stages/inspect/read_limiter.h"

#include <doctest/doctest.h>
#include <sys/file.h>

#include <filesystem>

#include "stages/inspect/options.h"
#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

// How many of the root's locks somebody holds.
int Taken(const std::string& folder) {
  int taken = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const UniqueFd fd(open(entry.path().c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(fd.valid());
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) ++taken;
  }
  return taken;
}

TEST_CASE("a reader of a counted root holds one of its slots while it reads") {
  const TemporaryFolder folder;
  auto slots = ReadLimiter::Open({{"/mnt/nas", 2}}, folder.At("locks"));
  REQUIRE(slots);
  {
    const auto hold = slots->Enter("/mnt/nas/b/a.jpg");
    CHECK(Taken(folder.At("locks")) == 1);
  }
  CHECK(Taken(folder.At("locks")) == 0);
}

TEST_CASE("two workers of one machine share a root's slots") {
  const TemporaryFolder folder;
  auto one = ReadLimiter::Open({{"/mnt/nas", 2}}, folder.At("locks"));
  auto other = ReadLimiter::Open({{"/mnt/nas", 2}}, folder.At("locks"));
  REQUIRE(one);
  REQUIRE(other);
  const auto first = one->Enter("/mnt/nas/a");
  const auto second = other->Enter("/mnt/nas/a");
  CHECK(Taken(folder.At("locks")) == 2);
}

TEST_CASE("what lies under no counted root waits for nobody") {
  const TemporaryFolder folder;
  auto slots = ReadLimiter::Open({{"/mnt/nas", 1}}, folder.At("locks"));
  REQUIRE(slots);
  CHECK_FALSE(slots->Covers("/mnt/nas2/a"));
  CHECK(slots->Covers("/mnt/nas/a"));
  const auto first = slots->Enter("/mnt/nas2/a");
  CHECK(Taken(folder.At("locks")) == 0);
}

TEST_CASE("limits are an absolute folder and a count, the longest folder first") {
  Options options = Options::Defaults(InspectStageOptions());
  options.Set("readers", std::vector<std::string>{"/=8", "/mnt/nas/=1"});
  const auto limits = ReaderLimits(options);
  REQUIRE(limits);
  REQUIRE(limits->size() == 2);
  CHECK((*limits)[0].root == "/mnt/nas");
  CHECK((*limits)[0].readers == 1);
  CHECK((*limits)[1].root.empty());
  for (const char* wrong : {"", "/mnt", "mnt=1", "/mnt=0", "/mnt=x", "/mnt=1x", "/mnt=-1"}) {
    options.Set("readers", std::vector<std::string>{wrong});
    CAPTURE(wrong);
    CHECK_FALSE(ReaderLimits(options));
  }
}

}  // namespace
}  // namespace millrace
