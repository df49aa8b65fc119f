#include "stages/inference/inference_stage.h"

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <set>
#include <sstream>
#include <stdexcept>
#include <string>

#include "stages/inference/model_factory.h"
#include "stages/inference/options.h"

namespace millrace {
namespace {

// Labels each pixel with the picture's first byte. A picture whose first byte is 13 makes the call
// fail, 14 makes it throw, 15 likewise and every call after it, as a lost GPU does; 16 is answered
// with what no labels can be made of. Every call's size is noted.
class FakeModel final : public Model {
 public:
  explicit FakeModel(std::vector<std::size_t>& calls) : calls_(calls) {}

  Result<std::vector<Labels>> Segment(const PictureBatch& batch) override {
    calls_.push_back(batch.pictures.size());
    std::vector<Labels> all;
    for (const auto& picture : batch.pictures) {
      const auto first = std::to_integer<std::uint8_t>(picture[0]);
      lost_ = lost_ || first == 15;
      if (lost_) throw std::runtime_error("CUDA error: an illegal memory access");
      if (first == 13) return Fail(ErrorCode::kInternal, "the model failed: 13");
      if (first == 14) throw std::runtime_error("out of memory");
      if (first == 16) return Fail(ErrorCode::kUsage, "the model gives nothing");
      all.emplace_back(static_cast<std::size_t>(batch.height * batch.width), first);
    }
    return all;
  }
  [[nodiscard]] std::string RunsOn() const override { return "nothing"; }
  [[nodiscard]] std::string Remark() const override { return "there is a GPU, unused"; }

 private:
  std::vector<std::size_t>& calls_;
  bool lost_ = false;
};

class FakeContext final : public JobContext {
 public:
  void Progress() override { ++progress; }
  [[nodiscard]] bool Cancelled(const Job& job) const override {
    return cancelled.contains(job.id.value());
  }
  [[nodiscard]] bool MayPublish(const Job&) const override { return true; }

  int progress = 0;
  std::set<std::uint64_t> cancelled;
};

Job PictureJob(std::uint64_t id, std::uint8_t first, std::int64_t height, std::int64_t width) {
  Job job;
  job.id = JobId(id);
  job.meta.Set("width", std::int64_t{7});
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(height * width * 3), first);
  job.payload = {{"original", DType::kUInt8, {2}, Buffer::Copy("ab")},
                 {"image", DType::kUInt8, {height, width, 3}, Buffer::Own(std::move(bytes))}};
  return job;
}

struct Started {
  std::vector<std::size_t> calls;
  FakeContext context;
  std::ostringstream log;
  InferenceStage stage{[this](const StageContext&) -> Result<MadeModel> {
    return MadeModel{std::make_unique<FakeModel>(calls), "fake 1"};
  }};

  Started() {
    StageContext start;
    start.options = Options::Defaults(InferenceOptions());
    start.options.Set("model", std::string("skin-tone"));
    start.log = std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log));
    REQUIRE(stage.Start(start));
  }

  std::vector<Outcome> Process(const std::vector<Job>& jobs) {
    auto outcomes = stage.Process(jobs, context);
    REQUIRE(outcomes.size() == jobs.size());
    return outcomes;
  }
};

const Part& LabelsOf(const Outcome& outcome) {
  REQUIRE(std::holds_alternative<Done>(outcome));
  const Part* part = FindPart(std::get<Done>(outcome).payload, "labels");
  REQUIRE(part != nullptr);
  CHECK(CheckPart(*part));
  return *part;
}

std::string FailureOf(const Outcome& outcome, bool retryable = false) {
  REQUIRE(std::holds_alternative<Failed>(outcome));
  CHECK(std::get<Failed>(outcome).retryable == retryable);
  return std::get<Failed>(outcome).text;
}

TEST_CASE("the labels join the parts that came, which are handed on without a copy") {
  Started started;
  const Job job = PictureJob(1, 5, 4, 6);
  const auto outcomes = started.Process({job});
  const Part& labels = LabelsOf(outcomes[0]);
  CHECK(labels.dtype == DType::kUInt8);
  CHECK(labels.shape == std::vector<std::int64_t>{4, 6});
  CHECK(labels.data.text() == std::string(24, '\5'));
  const Done& done = std::get<Done>(outcomes[0]);
  CHECK(done.meta == job.meta);
  REQUIRE(done.payload.size() == 3);
  CHECK(done.payload[0].data.data() == job.payload[0].data.data());
  CHECK(done.payload[1].data.data() == job.payload[1].data.data());
}

TEST_CASE("pictures of one size go through the model together, others apart, in their order") {
  Started started;
  const auto outcomes = started.Process({PictureJob(1, 1, 4, 4), PictureJob(2, 2, 8, 4),
                                         PictureJob(3, 3, 4, 4), PictureJob(4, 4, 4, 4)});
  CHECK(started.calls == std::vector<std::size_t>{3, 1});
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    CHECK(LabelsOf(outcomes[i]).data.text()[0] == static_cast<char>(i + 1));
  }
  CHECK(LabelsOf(outcomes[1]).shape == std::vector<std::int64_t>{8, 4});
  CHECK(started.context.progress == 2);
}

TEST_CASE("a picture on which the model fails costs its batch-mates nothing") {
  Started started;
  const auto outcomes =
      started.Process({PictureJob(1, 1, 4, 4), PictureJob(2, 13, 4, 4), PictureJob(3, 3, 4, 4)});
  // All, each, and after the one that fails a black picture.
  CHECK(started.calls == std::vector<std::size_t>{3, 1, 1, 1, 1});
  CHECK(LabelsOf(outcomes[0]).data.text()[0] == 1);
  CHECK(FailureOf(outcomes[1], /*retryable=*/true) == "the model failed: 13");
  CHECK(LabelsOf(outcomes[2]).data.text()[0] == 3);
  CHECK(started.stage.Broken().empty());
}

TEST_CASE("what a model throws is a failure that may pass, of the picture alone") {
  Started started;
  const auto outcomes = started.Process({PictureJob(1, 14, 4, 4), PictureJob(2, 2, 4, 4)});
  CHECK(FailureOf(outcomes[0], /*retryable=*/true) == "the model failed: out of memory");
  CHECK(std::get<Failed>(outcomes[0]).code == ErrorCode::kInternal);
  LabelsOf(outcomes[1]);
  CHECK(started.stage.Broken().empty());
  LabelsOf(started.Process({PictureJob(3, 3, 4, 4)})[0]);
}

TEST_CASE("a model that takes not even a black picture any more is broken, and no picture blamed") {
  Started started;
  LabelsOf(started.Process({PictureJob(1, 1, 4, 4)})[0]);
  CHECK(started.stage.Broken().empty());
  const auto outcomes = started.Process({PictureJob(2, 2, 4, 4), PictureJob(3, 15, 4, 4),
                                         PictureJob(4, 4, 4, 4), PictureJob(5, 5, 8, 8)});
  CHECK(started.stage.Broken() == "the model failed: CUDA error: an illegal memory access");
  for (const Outcome& outcome : outcomes) FailureOf(outcome, /*retryable=*/true);
}

TEST_CASE("a model whose answers are no logits fails each picture for good, as usage") {
  Started started;
  const auto outcomes = started.Process({PictureJob(1, 16, 4, 4)});
  CHECK(FailureOf(outcomes[0]) == "the model gives nothing");
  CHECK(std::get<Failed>(outcomes[0]).code == ErrorCode::kUsage);
  CHECK(started.stage.Broken().empty());
}

TEST_CASE("a job without a picture, or with something else in its place, fails alone") {
  Started started;
  std::vector<Job> jobs;
  for (std::uint64_t id = 1; id <= 5; ++id) jobs.push_back(PictureJob(id, 9, 4, 4));
  jobs[0].payload.pop_back();
  jobs[1].payload[1].dtype = DType::kFloat32;
  jobs[2].payload[1].shape = {4, 3, 4};
  jobs[3].payload[1].data = Buffer::Copy("short");
  const auto outcomes = started.Process(jobs);
  CHECK(FailureOf(outcomes[0]).find("no part \"image\"") != std::string::npos);
  CHECK(FailureOf(outcomes[1]).find("float32 {4, 4, 3}") != std::string::npos);
  CHECK(FailureOf(outcomes[2]).find("uint8 {4, 3, 4}") != std::string::npos);
  CHECK(FailureOf(outcomes[3]).find("of 5 bytes") != std::string::npos);
  CHECK(LabelsOf(outcomes[4]).data.text()[0] == 9);
  CHECK(started.calls == std::vector<std::size_t>{1});
}

TEST_CASE("a job that nobody wants any more does not reach the model") {
  Started started;
  started.context.cancelled = {2};
  const auto outcomes = started.Process({PictureJob(1, 1, 4, 4), PictureJob(2, 2, 4, 4)});
  CHECK(started.calls == std::vector<std::size_t>{1});
  LabelsOf(outcomes[0]);
  CHECK(std::holds_alternative<Failed>(outcomes[1]));
}

TEST_CASE("the labels are made of the model's ingredients") {
  CHECK(Started().stage.Ingredients() == "fake 1");
  StageContext context;
  context.options = Options::Defaults(InferenceOptions());
  context.options.Set("model", std::string("skin-tone"));
  CHECK(CreateModel(context)->ingredients == "skin-tone 1");
}

TEST_CASE("what is unexpected of where the model runs is a warning in the log") {
  const std::string log = Started().log.str();
  CHECK(log.find("[warning] there is a GPU, unused") != std::string::npos);
}

TEST_CASE("a model that cannot be made stops the stage with its reason") {
  InferenceStage stage([](const StageContext&) -> Result<MadeModel> {
    return Fail(ErrorCode::kCorrupt, "bad weights");
  });
  StageContext context;
  context.options = Options::Defaults(InferenceOptions());
  context.options.Set("model", std::string("skin-tone"));
  const auto started = stage.Start(context);
  REQUIRE(!started);
  CHECK(started.error().message == "bad weights");
}

TEST_CASE("replicas share the cores, unless the options say how many threads") {
  CHECK(ThreadsPerReplica(0, 8, 2) == 4);
  CHECK(ThreadsPerReplica(0, 2, 3) == 1);
  CHECK(ThreadsPerReplica(3, 8, 2) == 3);
}

}  // namespace
}  // namespace millrace
