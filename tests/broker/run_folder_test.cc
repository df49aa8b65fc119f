// A run's folder, and the threads that touch it.
#include "broker/run_folder.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "broker/folder_threads.h"
#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

Result<FolderAnswer> Do(RunFolder& folder, FolderRequest request) {
  return folder.Execute(request);
}

std::string HeldId(const Result<FolderAnswer>& answer) {
  REQUIRE(answer);
  return std::get<FolderHeld>(*answer).id;
}

TEST_CASE("a run's folder that is a link is refused: what is removed there would be somebody's") {
  const TemporaryFolder folder;
  folder.File("elsewhere/precious.jsonl", "{}\n");
  folder.Folder("out");
  folder.Link("out/.millrace", folder.At("elsewhere"));
  RunFolder out(folder.At("out"));
  const auto held = Do(out, HoldFolder{.make = true});
  REQUIRE(!held);
  CHECK(held.error().code == ErrorCode::kUsage);
  CHECK(held.error().message.find("--state") != std::string::npos);
}

TEST_CASE("a folder is one run's, has an id of its own, and is known by it") {
  const TemporaryFolder folder;
  RunFolder out(folder.At("out"));
  CHECK(!Do(out, HoldFolder{.make = false}));
  const std::string id = HeldId(Do(out, HoldFolder{.make = true}));
  CHECK(!id.empty());
  RunFolder other(folder.At("out"));
  const auto taken = Do(other, HoldFolder{.make = true});
  REQUIRE(!taken);
  CHECK(taken.error().code == ErrorCode::kUnavailable);
  // Held anew by the same: what is at its path now counts.
  CHECK(HeldId(Do(out, HoldFolder{.make = false, .id = id})) == id);
  REQUIRE(rename(folder.At("out").c_str(), folder.At("moved").c_str()) == 0);
  folder.Folder("out/.millrace");
  CHECK(!Do(out, HoldFolder{.make = false, .id = id}));
  CHECK(!out.held());
  RunFolder moved(folder.At("moved"));
  CHECK(HeldId(Do(moved, HoldFolder{.make = false, .id = id})) == id);
  CHECK(Do(moved, ReleaseFolder{}));
  CHECK(!moved.held());
}

TEST_CASE("what killed workers left goes when the folder is held, and a report when a run begins") {
  const TemporaryFolder folder;
  folder.File("out/.millrace/tmp/0123456789abcdef.part", "half");
  folder.File("out/.millrace/report.json", "{}");
  RunFolder out(folder.At("out"));
  CHECK(Do(out, HoldFolder{.make = true}));
  CHECK(!folder.Has("out/.millrace/tmp/0123456789abcdef.part"));
  CHECK(folder.Has("out/.millrace/report.json"));
  CHECK(Do(out, ClearReport{}));
  CHECK(!folder.Has("out/.millrace/report.json"));
}

// Answers, until one of this number has come; the others that came meanwhile with it.
std::vector<FolderAnswered> Until(FolderThreads& threads, std::uint64_t number) {
  std::vector<FolderAnswered> all;
  while (true) {
    pollfd ready{threads.event_fd(), POLLIN, 0};
    REQUIRE(poll(&ready, 1, 60'000) == 1);
    for (FolderAnswered& answered : threads.Take()) all.push_back(std::move(answered));
    for (const FolderAnswered& answered : all) {
      if (answered.number == number) return all;
    }
  }
}

TEST_CASE("a folder that hangs holds up no other, and goes on when it does") {
  const TemporaryFolder folder;
  folder.Folder("hangs/.millrace");
  // Whoever reads the id waits until somebody writes it.
  REQUIRE(mkfifo(folder.At("hangs/.millrace/id").c_str(), 0600) == 0);
  auto threads = FolderThreads::Create();
  REQUIRE(threads);
  const std::uint64_t stuck = (*threads)->Post(folder.At("hangs"), HoldFolder{.make = true});
  const std::uint64_t behind = (*threads)->Post(folder.At("hangs"), ReleaseFolder{});
  const std::uint64_t held = (*threads)->Post(folder.At("out"), HoldFolder{.make = true});
  std::vector<FolderAnswered> answers = Until(**threads, held);
  CHECK(answers.size() == 1);
  CHECK(answers.front().answer.has_value());
  std::ofstream(folder.At("hangs/.millrace/id")) << "its-id\n";
  answers = Until(**threads, behind);
  REQUIRE(answers.size() == 2);
  CHECK(answers.front().number == stuck);
  CHECK(HeldId(answers.front().answer) == "its-id");
  // A folder that nobody holds has no thread.
  const std::uint64_t released = (*threads)->Post(folder.At("out"), ReleaseFolder{});
  CHECK(Until(**threads, released).size() == 1);
}

TEST_CASE("a broker that leaves waits for no folder that hangs") {
  const TemporaryFolder folder;
  folder.Folder("hangs/.millrace");
  REQUIRE(mkfifo(folder.At("hangs/.millrace/id").c_str(), 0600) == 0);
  int writer = -1;
  {
    auto threads = FolderThreads::Create();
    REQUIRE(threads);
    (*threads)->Post(folder.At("hangs"), HoldFolder{.make = true});
    // Fails while nobody reads.
    while (writer < 0) {
      writer = open(folder.At("hangs/.millrace/id").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    }
  }
  // Its thread is still there, and ends with this.
  CHECK(write(writer, "its-id\n", 7) == 7);
  close(writer);
}

}  // namespace
}  // namespace millrace
