#include "cli/progress.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace millrace::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

wire::RunStatus Status(std::int64_t scanned, std::int64_t ok, bool scan_complete) {
  wire::RunStatus run;
  run.state = "active";
  run.scanned = scanned;
  run.ok = ok;
  run.scan_complete = scan_complete;
  return run;
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("the line tells what is done, how fast, how long still, what failed and what limits") {
  ManualClock clock;
  Progress progress;
  progress.Update(clock.Now(), Status(1000, 100, true), {});
  clock.Advance(seconds(4));
  wire::RunStatus run = Status(1000, 400, true);
  run.failed = 20;
  run.skipped = 5;
  wire::StageStatus inference;
  inference.name = "inference";
  inference.busy = 0.97;
  wire::StageStatus preprocess;
  preprocess.name = "preprocess";
  preprocess.busy = 0.6;
  progress.Update(clock.Now(), run, {preprocess, inference});
  // 320 more in 4 s: 80 a second; 575 left: 7.2 s, rounded up.
  CHECK(progress.Line() ==
        "425 of 1,000 images, 20 failed, 80.0 img/s, ETA 0:08, limit: inference");
}

TEST_CASE("how much was read a second is told where somebody counts it") {
  ManualClock clock;
  Progress progress;
  progress.AddBytes(7'000'000);
  progress.Update(clock.Now(), Status(1000, 100, true), {});
  clock.Advance(seconds(4));
  progress.AddBytes(100'000'000);
  progress.AddBytes(109'000'000);
  progress.Update(clock.Now(), Status(1000, 400, true), {});
  CHECK(progress.Line() == "400 of 1,000 images, 75.0 img/s, 52.2 MB/s, ETA 0:08");
  CHECK(Has(progress.Bar(120), "52.2 MB/s"));
}

TEST_CASE("while the scan goes on, total and ETA are told to be lower bounds") {
  ManualClock clock;
  Progress progress;
  progress.Update(clock.Now(), Status(50, 0, false), {});
  clock.Advance(seconds(2));
  progress.Update(clock.Now(), Status(100, 20, false), {});
  CHECK(progress.Line() == "20 of 100+ images, scanning…, 10.0 img/s, ETA >0:08");
  CHECK(Has(progress.Bar(120), "scanning…"));
  CHECK_FALSE(Has(progress.Bar(120), "["));
}

TEST_CASE("there is no rate and no ETA before a second of watching") {
  ManualClock clock;
  Progress progress;
  progress.Update(clock.Now(), Status(100, 0, true), {});
  clock.Advance(milliseconds(250));
  progress.Update(clock.Now(), Status(100, 50, true), {});
  CHECK(progress.Rate() == 0);
  CHECK_FALSE(Has(progress.Line(), "ETA"));
}

TEST_CASE("the rate is that of the last seconds, not of the whole run") {
  ManualClock clock;
  Progress progress;
  std::int64_t ok = 0;
  progress.Update(clock.Now(), Status(100'000, ok, true), {});
  for (int second = 0; second < 60; ++second) {
    clock.Advance(seconds(1));
    ok += second < 30 ? 1000 : 10;
    progress.Update(clock.Now(), Status(100'000, ok, true), {});
  }
  CHECK(progress.Rate() == doctest::Approx(10));
}

TEST_CASE("the bar fills with what is done") {
  Progress progress;
  ManualClock clock;
  progress.Update(clock.Now(), Status(1000, 500, true), {});
  CHECK(progress.Bar(80) == "[###############>              ] 50%  500/1,000");
  progress.Update(clock.Now(), Status(1000, 1000, true), {});
  CHECK(progress.Bar(80) == "[##############################] 100%  1,000/1,000");
}

TEST_CASE("the bar is narrower than the terminal, however narrow that is") {
  ManualClock clock;
  Progress progress;
  progress.Update(clock.Now(), Status(100'000, 0, true), {});
  clock.Advance(seconds(5));
  wire::RunStatus run = Status(100'000, 1000, true);
  run.failed = 10;
  wire::StageStatus stage;
  stage.name = "inference";
  stage.busy = 1;
  progress.Update(clock.Now(), run, {stage});
  for (int columns = 1; columns < 200; ++columns) {
    CAPTURE(columns);
    CHECK(static_cast<int>(progress.Bar(columns).size()) < std::max(columns, 1));
  }
}

TEST_CASE("a bar of nothing found yet divides by nothing") {
  Progress progress;
  progress.Update(ManualClock().Now(), Status(0, 0, false), {});
  CHECK(progress.Bar(80) == "0/0+  scanning…");
}

TEST_CASE("a run that is being ended says so") {
  Progress progress;
  wire::RunStatus run = Status(10, 5, false);
  run.state = "stopping";
  progress.Update(ManualClock().Now(), run, {});
  CHECK(progress.Line() == "5 of 10+ images, stopping");
}

TEST_CASE("what was taken over from before counts as done, not as speed") {
  ManualClock clock;
  Progress progress;
  progress.Update(clock.Now(), Status(1000, 0, true), {});
  clock.Advance(seconds(4));
  wire::RunStatus run = Status(1000, 640, true);
  run.resumed = 600;
  progress.Update(clock.Now(), run, {});
  // 40 of its own in 4 s; 360 left.
  CHECK(progress.Line() == "640 of 1,000 images, 600 resumed, 10.0 img/s, ETA 0:36");
}

TEST_CASE("a run that is paused, or whose broker takes no more work, says so") {
  Progress progress;
  wire::RunStatus run = Status(10, 5, true);
  run.state = "paused";
  progress.Update(ManualClock().Now(), run, {}, "");
  CHECK(progress.Line() == "5 of 10 images, paused");
  run.state = "active";
  progress.Update(ManualClock().Now(), run, {}, "state: no space left");
  CHECK(progress.Line() == "5 of 10 images, stalled");
}

TEST_CASE("no stage limits while all of them wait") {
  wire::StageStatus stage;
  stage.name = "scan";
  stage.busy = 0.3;
  CHECK(LimitingStage({stage}).empty());
  CHECK(LimitingStage({}).empty());
}

TEST_CASE("numbers are grouped by thousands and durations written as a clock") {
  CHECK(Grouped(0) == "0");
  CHECK(Grouped(999) == "999");
  CHECK(Grouped(1000) == "1,000");
  CHECK(Grouped(1234567) == "1,234,567");
  CHECK(Grouped(-1234) == "-1,234");
  CHECK(ClockText(seconds(0)) == "0:00");
  CHECK(ClockText(milliseconds(5100)) == "0:06");
  CHECK(ClockText(seconds(3599)) == "59:59");
  CHECK(ClockText(seconds(3723)) == "1:02:03");
}

}  // namespace
}  // namespace millrace::cli
