// A run's folder, and the threads that touch it.
#include "broker/run_folder.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "broker/folder_threads.h"
#include "common/os/file_time.h"
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

TEST_CASE("outputs that are gone or are not what was written are found") {
  const TemporaryFolder folder;
  folder.File("out/kept", "four");
  struct stat status {};
  REQUIRE(stat(folder.At("out/kept").c_str(), &status) == 0);
  const std::int64_t mtime = MtimeNs(status);
  RunFolder out(folder.At("out"));
  const auto answer = Do(out, FindLost{{{"kept", 4, mtime},
                                        {"kept", 5, mtime},
                                        {"kept", 4, mtime + 1},
                                        {"gone", 4, mtime},
                                        {"../out/kept", 4, mtime}}});
  REQUIRE(answer);
  const auto& lost = std::get<LostOutputs>(*answer).stamps;
  CHECK(lost.size() == 4);
  CHECK(!lost.contains(StampOfOutput({"kept", 4, mtime})));
}

TEST_CASE("a copy of a folder is told from the folder itself at its old place") {
  const TemporaryFolder folder;
  RunFolder out(folder.At("out"));
  const std::string id = HeldId(Do(out, HoldFolder{.make = true}));
  folder.File("copy/.millrace/id", id + "\n");
  folder.File("other/.millrace/id", "another\n");
  folder.Link("same", folder.At("out"));
  const auto answer =
      Do(out,
         FindCopies{{folder.At("copy"), folder.At("other"), folder.At("same"), folder.At("none")}});
  REQUIRE(answer);
  CHECK(std::get<FoundCopies>(*answer).places == std::set<std::string>{folder.At("copy")});
}

TEST_CASE("no report is written to a folder that took the place of the one that is held") {
  const TemporaryFolder folder;
  RunFolder out(folder.At("out"));
  CHECK(!Do(out, BeginReport{}));  // not held
  REQUIRE(Do(out, HoldFolder{.make = true}));
  REQUIRE(rename(folder.At("out").c_str(), folder.At("moved").c_str()) == 0);
  folder.File("out/.millrace/id", "another\n");
  const auto begun = Do(out, BeginReport{});
  REQUIRE(!begun);
  CHECK(begun.error().message.find("another folder") != std::string::npos);
}

TEST_CASE("a list appears whole, once its last page is written, and other lists go") {
  const TemporaryFolder folder;
  RunFolder out(folder.At("out"));
  REQUIRE(Do(out, HoldFolder{.make = true}));
  folder.File("out/.millrace/old.jsonl", "of an earlier run\n");
  REQUIRE(Do(out, BeginReport{}));
  WriteList page{.what = WriteList::What::kRecords, .name = "areas", .lines = {"1", "2"}};
  page.last = false;
  REQUIRE(Do(out, page));
  CHECK(!folder.Has("out/.millrace/areas.jsonl"));
  page.lines = {"3"};
  page.last = true;
  REQUIRE(Do(out, page));
  CHECK(folder.Read("out/.millrace/areas.jsonl") == "1\n2\n3\n");
  REQUIRE(Do(out, FinishReport{"{}\n", {"areas"}}));
  CHECK(folder.Read("out/.millrace/report.json") == "{}\n");
  CHECK(!folder.Has("out/.millrace/old.jsonl"));
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
