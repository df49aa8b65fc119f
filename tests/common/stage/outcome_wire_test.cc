#include "common/stage/outcome_wire.h"

#include <doctest/doctest.h>

#include <limits>

#include "common/stage/job_wire.h"
#include "common/wire/codec.h"

namespace millrace {
namespace {

constexpr wire::Lease kLease{JobId(1), Delivery(2)};

Part Bytes(std::size_t count, std::int64_t shape) {
  return {.name = "image",
          .dtype = DType::kUInt8,
          .shape = {shape},
          .data = Buffer::Own(std::string(count, 'x'))};
}

Done WithPayload(Payload payload) {
  Done done;
  done.payload = std::move(payload);
  return done;
}

wire::FailResult Failure(Outcome outcome, std::size_t max_payload = 1000) {
  WireOutcome out = ToWire(kLease, std::move(outcome), max_payload);
  REQUIRE(std::holds_alternative<wire::FailResult>(out));
  return std::get<wire::FailResult>(std::move(out));
}

TEST_CASE("a result keeps its payload without a copy, its meta, its warnings and its record") {
  Done done = WithPayload({Bytes(10, 10)});
  done.meta.Set("width", std::int64_t{7});
  done.warnings = {"truncated"};
  done.record.name = "areas";
  done.record.line = R"({"skin": 5})";
  const std::byte* bytes = done.payload[0].data.data();
  const WireOutcome out = ToWire(kLease, std::move(done), 1000);
  const auto& result = std::get<wire::DoneResult>(out);
  CHECK(result.lease == kLease);
  const auto& item = std::get<wire::ItemResult>(result.what);
  CHECK(item.payload[0].data.data() == bytes);
  CHECK(Meta::Decode(item.meta)->Integer("width", 0) == 7);
  CHECK(item.warnings == std::vector<std::string>{"truncated"});
  CHECK(item.record.name == "areas");
  CHECK(item.record.line == R"({"skin": 5})");
}

TEST_CASE("a result over max_payload fails its job as too large, one at it does not") {
  CHECK(std::holds_alternative<wire::DoneResult>(
      ToWire(kLease, WithPayload({Bytes(1000, 1000)}), 1000)));
  const wire::FailResult failure = Failure(WithPayload({Bytes(600, 600), Bytes(401, 401)}));
  CHECK(failure.code == "too-large");
  CHECK_FALSE(failure.retryable);
  CHECK(failure.text.find("1001") != std::string::npos);
}

TEST_CASE("what the protocol cannot carry fails the job, not the message") {
  CHECK(Failure(WithPayload({Bytes(10, 11)})).code == "protocol");
  CHECK(Failure(WithPayload(Payload(65, Bytes(1, 1)))).code == "internal");
  Done record;
  record.record.name = "../../escape";
  record.record.line = "x";
  CHECK(Failure(record).code == "internal");
  for (const std::string ours : {"failed", "deleted", "report"}) {
    record.record.name = ours;
    CHECK(Failure(record).code == "internal");
  }
  record.record.name = "big";
  record.record.line = std::string(1 << 20, 'x');
  CHECK(Failure(record).code == "too-large");
  Done warned;
  warned.warnings = {"truncated", "Not a word"};
  CHECK(Failure(warned).text.find("'Not a word'") != std::string::npos);
  const wire::FailResult skipped = Failure(Skipped{std::string(10000, 'x')});
  CHECK(skipped.code == "internal");
  CHECK(skipped.text.size() < 200);
  Done meta;
  meta.meta.Set("long", std::string(kMaxMetaBytes, 'x'));
  CHECK(Failure(meta).code == "too-large");
  CHECK(Failure(Scanned{{{"", Meta{}}}, std::nullopt}).code == "internal");
  Scanned huge;
  for (int i = 0; i < 200; ++i) {
    huge.found.push_back({std::string(60000, 'x') + std::to_string(i), Meta{}});
  }
  CHECK(Failure(huge).code == "too-large");
}

TEST_CASE("whatever becomes of an outcome, its report can be decoded") {
  Scanned scanned;
  scanned.next_cursor = std::string("\xff\x00 bytes", 8);
  scanned.found.push_back({"a\xff.jpg", Meta{}});
  scanned.found.push_back({"b", Failed{ErrorCode::kEmpty, std::string(10000, 'x'), false}});
  scanned.found.push_back({"c", Skipped{std::string(10000, 'x')}});
  const WireOutcome out = ToWire(kLease, scanned, 1000);
  const auto& result = std::get<wire::DoneResult>(out);
  const auto frames = wire::Encode(wire::ReportMessage(wire::DoneReport{{}, {result}}));
  const auto decoded = wire::DecodeReport(frames);
  REQUIRE(decoded);
  const auto& scan =
      std::get<wire::ScanResult>(std::get<wire::DoneReport>(*decoded).results[0].what);
  CHECK(scan.next_cursor == scanned.next_cursor);
  REQUIRE(scan.found.size() == 3);
  CHECK(scan.found[0].key == "a\xff.jpg");
  CHECK(std::holds_alternative<wire::FoundItem::Next>(scan.found[0].what));
  CHECK(std::get<wire::FoundItem::Fail>(scan.found[1].what).code == "empty");
  // A reason that is no word.
  CHECK(std::get<wire::FoundItem::Fail>(scan.found[2].what).code == "internal");
}

TEST_CASE("a failure and a skip keep what the stage said") {
  const wire::FailResult failure =
      Failure(Failed{ErrorCode::kWriteFailed, "disk full", true, {"verdicts", "{}"}});
  CHECK(failure.code == "write-failed");
  CHECK(failure.text == "disk full");
  CHECK(failure.retryable);
  CHECK(failure.record == wire::Record{"verdicts", "{}"});
  CHECK(Failure(Failed{ErrorCode::kCorrupt, "", false, {"../x", "{}"}}).code == "internal");
  const WireOutcome skip = ToWire(kLease, Skipped{"excluded"}, 0);
  CHECK(std::get<wire::SkipResult>(skip).reason == "excluded");
}

TEST_CASE("a job arrives as it was sent, and one with broken meta is that job's error") {
  auto run = ToRunInfo({RunId(3), "/in", "/out", ""});
  REQUIRE(run);
  wire::JobSpec spec{.lease = kLease, .run = RunId(3), .key = "a\xff", .cursor = "c"};
  spec.attempt = 2;
  spec.payload = {Bytes(4, 4)};
  const auto job = ToJob(spec, *run);
  REQUIRE(job);
  CHECK(job->id == kLease.job);
  CHECK(job->run->output == "/out");
  CHECK(job->key == "a\xff");
  CHECK(job->cursor == "c");
  CHECK(job->attempt == 2);
  CHECK(job->payload[0].data.data() == spec.payload[0].data.data());
  spec.meta = "\xc1 no msgpack";
  CHECK(ToJob(spec, *run).error().code == ErrorCode::kProtocol);
  CHECK(ToRunInfo({RunId(3), "/in", "", "\xc1"}).error().code == ErrorCode::kProtocol);
}

TEST_CASE("a job that would lead out of its run's folders is that job's error") {
  const auto run = ToRunInfo({RunId(3), "/in", "", ""});
  REQUIRE(run);
  for (const char* key : {"../a", "/a", "a/../b", "a//b"}) {
    const wire::JobSpec spec{.lease = kLease, .run = RunId(3), .key = key};
    const auto job = ToJob(spec, *run);
    REQUIRE(!job);
    CHECK(job.error().code == ErrorCode::kProtocol);
  }
  CHECK(ToRunInfo({RunId(3), "in", "/out", ""}).error().code == ErrorCode::kProtocol);
  CHECK(ToRunInfo({RunId(3), "/in", "out", ""}).error().code == ErrorCode::kProtocol);
}

}  // namespace
}  // namespace millrace
