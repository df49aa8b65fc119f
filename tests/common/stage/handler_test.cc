#include "common/stage/handler.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <stdexcept>

#include "tests/common/stage/scripted_stage.h"

namespace millrace {
namespace {

HandlerEvent AwaitEvent(Handler& handler) {
  pollfd item{handler.event_fd(), POLLIN, 0};
  REQUIRE(poll(&item, 1, 20000) == 1);
  auto event = handler.TakeEvent();
  REQUIRE(event);
  return std::move(*event);
}

std::unique_ptr<Handler> Begin(Script script, Result<void> start = {}) {
  auto handler = Handler::Begin([=] { return std::make_unique<ScriptedStage>(script, start); },
                                {.stage = "test"});
  REQUIRE(handler);
  return std::move(*handler);
}

std::unique_ptr<Handler> Started(Script script) {
  auto handler = Begin(std::move(script));
  REQUIRE(std::get<HandlerStarted>(AwaitEvent(*handler)).ingredients);
  return handler;
}

std::vector<Job> Jobs(int count) {
  std::vector<Job> jobs;
  for (int i = 1; i <= count; ++i) jobs.push_back({.id = JobId(static_cast<std::uint64_t>(i))});
  return jobs;
}

TEST_CASE("a handler processes call after call and gives each one's outcomes") {
  auto handler = Started(Echo);
  for (int count = 1; count <= 3; ++count) {
    CHECK_FALSE(handler->busy());
    handler->Process(Jobs(count));
    CHECK(handler->busy());
    const auto finished = std::get<HandlerFinished>(AwaitEvent(*handler));
    REQUIRE(finished.outcomes);
    CHECK(finished.outcomes->size() == static_cast<std::size_t>(count));
  }
}

TEST_CASE("a stage that has started says what its results are made of") {
  auto handler = Begin(Echo);
  CHECK(std::get<HandlerStarted>(AwaitEvent(*handler)).ingredients == "a script");
}

TEST_CASE("a stage that cannot start says why, and so does one that throws or cannot be made") {
  auto refused = Begin(Echo, Fail(ErrorCode::kNotFound, "no weights"));
  CHECK(std::get<HandlerStarted>(AwaitEvent(*refused)).ingredients.error().message == "no weights");
  auto thrown = Handler::Begin([]() -> std::unique_ptr<Stage> { throw std::runtime_error("bang"); },
                               {.stage = "test"});
  REQUIRE(thrown);
  const auto started = std::get<HandlerStarted>(AwaitEvent(**thrown));
  CHECK(started.ingredients.error().message.find("bang") != std::string::npos);
}

TEST_CASE("an exception that leaves Process is an error of the call, and the next one runs") {
  bool first = true;
  auto handler = Started([&](std::span<const Job> jobs, JobContext& context) {
    if (std::exchange(first, false)) throw std::runtime_error("bang");
    return Echo(jobs, context);
  });
  handler->Process(Jobs(1));
  const auto failed = std::get<HandlerFinished>(AwaitEvent(*handler));
  REQUIRE_FALSE(failed.outcomes);
  CHECK(failed.outcomes.error().message.find("bang") != std::string::npos);
  handler->Process(Jobs(1));
  CHECK(std::get<HandlerFinished>(AwaitEvent(*handler)).outcomes);
}

TEST_CASE("a stage that is broken after a call says why, in place of the call's outcomes") {
  auto handler = Started(Echo);
  handler->Process(Jobs(1));
  REQUIRE(std::holds_alternative<HandlerFinished>(AwaitEvent(*handler)));
  std::vector<Job> jobs = Jobs(2);
  jobs[1].key = "breaks";
  handler->Process(jobs);
  CHECK(std::get<HandlerBroken>(AwaitEvent(*handler)).why == "nothing works after breaks");
}

TEST_CASE("a stage is asked whether it is broken after an exception, too") {
  auto handler = Started([](std::span<const Job>, JobContext&) -> std::vector<Outcome> {
    throw std::runtime_error("bang");
  });
  std::vector<Job> jobs = Jobs(1);
  jobs[0].key = "breaks";
  handler->Process(jobs);
  CHECK(std::holds_alternative<HandlerBroken>(AwaitEvent(*handler)));
}

TEST_CASE("a running call sees its jobs cancelled one by one, and its lease end") {
  Gate gate;
  std::vector<bool> cancelled;
  std::vector<bool> publish;
  auto handler = Started([&](std::span<const Job> jobs, JobContext& context) {
    publish.push_back(context.MayPublish(jobs[0]));
    gate.Pass();
    for (const Job& job : jobs) cancelled.push_back(context.Cancelled(job));
    for (const Job& job : jobs) publish.push_back(context.MayPublish(job));
    return Echo(jobs, context);
  });
  handler->SetLeaseUntil(SteadyClock().Now() + std::chrono::hours(1));
  handler->Process(Jobs(3));
  gate.AwaitArrival();
  const JobId second(2);
  handler->Cancel({&second, 1});
  gate.Open();
  AwaitEvent(*handler);
  CHECK(cancelled == std::vector{false, true, false});
  CHECK(publish == std::vector{true, true, false, true});
  handler->SetLeaseUntil(SteadyClock().Now());
  cancelled.clear();
  publish.clear();
  handler->Process(Jobs(1));
  AwaitEvent(*handler);
  CHECK(cancelled == std::vector{false});
  CHECK(publish == std::vector{false, false});
}

TEST_CASE("progress counts the ends of calls and what the stage says in between") {
  auto handler = Started([](std::span<const Job> jobs, JobContext& context) {
    for (int i = 0; i < 5; ++i) context.Progress();
    return Echo(jobs, context);
  });
  const std::uint64_t before = handler->progress();
  handler->Process(Jobs(1));
  AwaitEvent(*handler);
  CHECK(handler->progress() == before + 7);
}

}  // namespace
}  // namespace millrace
