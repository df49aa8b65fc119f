#include "stages/inspect/inspect_stage.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "common/base/log.h"
#include "stages/inspect/options.h"
#include "tests/stages/fake_job_context.h"
#include "tests/stages/temporary_folder.h"

namespace millrace {
namespace {

const std::filesystem::path kPictures =
    std::filesystem::path(MILLRACE_SOURCE_DIR) / "tests/golden/pictures";

class Bench {
 public:
  explicit Bench(std::string_view level = "decode") {
    StageContext start{.stage = "inspect",
                       .options = Options::Defaults(InspectStageOptions()),
                       .log = MakeLogger("inspect", "warn")};
    start.options.Set("level", std::string(level));
    REQUIRE(stage_->Start(start));
  }

  void Take(const std::string& picture, const std::string& name) {
    std::filesystem::copy_file(kPictures / picture, folder.At(name));
  }
  std::vector<Outcome> Process(const std::vector<std::string>& names, bool unnamed = false) {
    auto run = std::make_shared<RunInfo>();
    run->input = folder.path();
    std::vector<Job> jobs;
    for (const std::string& name : names) {
      Job job;
      job.run = run;
      job.key = name;
      if (unnamed) job.meta.Set("unnamed", true);
      jobs.push_back(std::move(job));
    }
    return stage_->Process(jobs, context);
  }
  Outcome ProcessOne(const std::string& name, bool unnamed = false) {
    return Process({name}, unnamed).at(0);
  }

  TemporaryFolder folder;
  FakeJobContext context;

 private:
  std::unique_ptr<Stage> stage_ = MakeInspectStage();
};

bool Has(const Record& record, std::string_view text) {
  return record.name == "verdicts" && record.line.find(text) != std::string::npos;
}

TEST_CASE("a sound file is done, and a record says so") {
  Bench bench;
  bench.Take("jpeg-420.jpg", "a.jpg");
  const Outcome outcome = bench.ProcessOne("a.jpg");
  REQUIRE(std::holds_alternative<Done>(outcome));
  const Record& record = std::get<Done>(outcome).record;
  CHECK(Has(record, R"("path": "a.jpg", "code": "ok", "format": "jpeg")"));
  CHECK(Has(record, R"("mtime_ns": )"));
}

TEST_CASE("a cut file fails with its code, and the same in the record") {
  Bench bench;
  bench.Take("jpeg-420.jpg", "a.jpg");
  std::filesystem::resize_file(bench.folder.At("a.jpg"),
                               std::filesystem::file_size(bench.folder.At("a.jpg")) / 2);
  const Outcome outcome = bench.ProcessOne("a.jpg");
  REQUIRE(std::holds_alternative<Failed>(outcome));
  const auto& failed = std::get<Failed>(outcome);
  CHECK(failed.code == ErrorCode::kTruncated);
  CHECK_FALSE(failed.retryable);
  CHECK(Has(failed.record, R"("code": "truncated")"));
  CHECK(Has(failed.record, R"("format": "jpeg")"));
}

TEST_CASE("the header alone is looked at where the level says so") {
  Bench bench("open");
  bench.Take("jpeg-420.jpg", "a.jpg");
  std::filesystem::resize_file(bench.folder.At("a.jpg"),
                               std::filesystem::file_size(bench.folder.At("a.jpg")) / 2);
  CHECK(std::holds_alternative<Done>(bench.ProcessOne("a.jpg")));
}

TEST_CASE("what is no image fails by its name, or is skipped") {
  Bench bench;
  bench.folder.File("a.jpg", "hello, this is a text");
  bench.folder.File("notes", "hello, this is a text");
  bench.folder.File("empty.png", "");
  const Outcome named = bench.ProcessOne("a.jpg");
  REQUIRE(std::holds_alternative<Failed>(named));
  CHECK(std::get<Failed>(named).code == ErrorCode::kNotAnImage);
  CHECK(Has(std::get<Failed>(named).record, R"("bytes": 21)"));
  CHECK(std::get<Failed>(bench.ProcessOne("empty.png")).code == ErrorCode::kEmpty);
  const Outcome unnamed = bench.ProcessOne("notes", true);
  REQUIRE(std::holds_alternative<Skipped>(unnamed));
  CHECK(std::get<Skipped>(unnamed).reason == "not-an-image");
}

TEST_CASE("one bad file costs the others of its batch nothing") {
  Bench bench;
  bench.Take("jpeg-420.jpg", "a.jpg");
  bench.folder.File("b.jpg", "no image");
  bench.Take("jpeg-420.jpg", "c.jpg");
  const std::vector<Outcome> outcomes = bench.Process({"a.jpg", "b.jpg", "gone.jpg", "c.jpg"});
  REQUIRE(outcomes.size() == 4);
  CHECK(std::holds_alternative<Done>(outcomes[0]));
  CHECK(std::get<Failed>(outcomes[1]).code == ErrorCode::kNotAnImage);
  CHECK(std::get<Failed>(outcomes[2]).code == ErrorCode::kUnreadable);
  CHECK(std::holds_alternative<Done>(outcomes[3]));
  CHECK(bench.context.progress == 4);
}

TEST_CASE("a file that may not be read has no verdict") {
  Bench bench;
  bench.Take("jpeg-420.jpg", "a.jpg");
  REQUIRE(chmod(bench.folder.At("a.jpg").c_str(), 0) == 0);
  const WithoutPrivileges nobody;
  const Outcome outcome = bench.ProcessOne("a.jpg");
  REQUIRE(std::holds_alternative<Failed>(outcome));
  CHECK(std::get<Failed>(outcome).code == ErrorCode::kUnreadable);
  CHECK(Has(std::get<Failed>(outcome).record, R"("code": "unreadable")"));
}

}  // namespace
}  // namespace millrace
