#include "common/wire/codec.h"

#include <doctest/doctest.h>

using namespace millrace;
using namespace millrace::wire;

namespace {

constexpr Link kLink{Epoch(0xfeedfacecafebeef), IncarnationId(7)};

Payload OnePart() { return {{"image", DType::kUInt8, {1, 2, 3}, Buffer::Copy("abcdef")}}; }

// Encodes, decodes, and gives the message that came out.
template <typename Message>
Message ThroughFeed(const Message& message) {
  const Result<FeedMessage> read = DecodeFeed(Encode(FeedMessage(message)));
  REQUIRE_MESSAGE(read, read.error().message);
  REQUIRE(std::holds_alternative<Message>(*read));
  return std::get<Message>(*read);
}
template <typename Message>
Message ThroughReports(const Message& message) {
  const Result<ReportMessage> read = DecodeReport(Encode(ReportMessage(message)));
  REQUIRE_MESSAGE(read, read.error().message);
  REQUIRE(std::holds_alternative<Message>(*read));
  return std::get<Message>(*read);
}
template <typename Request>
Request ThroughRequest(const Request& request) {
  const Result<RequestEnvelope> read = DecodeRequest(Encode(RequestEnvelope{9, request}));
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(read->id == 9);
  REQUIRE(std::holds_alternative<Request>(read->request));
  return std::get<Request>(read->request);
}
template <typename Reply>
Reply ThroughReply(const Reply& reply) {
  const Result<ReplyEnvelope> read = DecodeReply(Encode(ReplyEnvelope{10, reply}));
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(read->id == 10);
  REQUIRE(std::holds_alternative<Reply>(read->reply));
  return std::get<Reply>(read->reply);
}

}  // namespace

TEST_CASE("jobs arrive with their runs, their bytes and their parts") {
  JobMessage sent{kLink, {{RunId(1), "/in", "/out", "opts"}}, {}};
  sent.jobs.push_back(
      {{JobId(5), Delivery(2)}, RunId(1), "caf\xe9.jpg", "", "m", 1, true, OnePart()});
  sent.jobs.push_back({{JobId(6), Delivery(1)}, RunId(1), "", "cursor", "", 0, false, {}});
  const JobMessage got = ThroughFeed(sent);
  CHECK(got.link == kLink);
  REQUIRE(got.runs.size() == 1);
  CHECK(got.runs[0].input == "/in");
  REQUIRE(got.jobs.size() == 2);
  CHECK(got.jobs[0].lease == Lease{JobId(5), Delivery(2)});
  CHECK(got.jobs[0].key == "caf\xe9.jpg");
  CHECK(got.jobs[0].alone);
  CHECK(got.jobs[0].attempt == 1);
  REQUIRE(got.jobs[0].payload.size() == 1);
  CHECK(got.jobs[0].payload[0].shape == std::vector<std::int64_t>{1, 2, 3});
  CHECK(got.jobs[0].payload[0].data.text() == "abcdef");
  CHECK(got.jobs[1].cursor == "cursor");
  CHECK(got.jobs[1].payload.empty());
}

TEST_CASE("a payload's bytes are moved through, never copied") {
  JobMessage sent{kLink, {{RunId(1), "", "", ""}}, {}};
  sent.jobs.push_back({{JobId(5), Delivery(2)}, RunId(1), "k", "", "", 0, false, OnePart()});
  const Frames frames = Encode(FeedMessage(sent));
  REQUIRE(frames.size() == 2);
  CHECK(frames[1].data() == sent.jobs[0].payload[0].data.data());
  const Result<FeedMessage> got = DecodeFeed(frames);
  REQUIRE(got);
  CHECK(std::get<JobMessage>(*got).jobs[0].payload[0].data.data() == frames[1].data());
}

TEST_CASE("the other feed messages survive the wire") {
  const std::vector<Lease> leases = {{JobId(1), Delivery(2)}, {JobId(3), Delivery(4)}};
  CHECK(ThroughFeed(Revoke{kLink, leases}).leases == leases);
  CHECK(ThroughFeed(Confirm{kLink, leases, {}}).accepted == leases);
  CHECK(ThroughFeed(Confirm{kLink, {}, leases}).stale == leases);
  CHECK(ThroughFeed(Drain{kLink}).link == kLink);
  CHECK(ThroughFeed(BeatReply{kLink}).link == kLink);
}

TEST_CASE("reports survive the wire") {
  const std::vector<Lease> leases = {{JobId(1), Delivery(2)}};
  CHECK(ThroughReports(Credit{kLink, 16}).slots == 16);
  CHECK(ThroughReports(Claim{kLink, leases}).leases == leases);
  CHECK(ThroughReports(Return{kLink, leases}).leases == leases);
  const Beat beat = ThroughReports(Beat{kLink, 3, 4, 5, leases});
  CHECK(beat.progress == 3);
  CHECK(beat.busy_ns == 4);
  CHECK(beat.foreign_jobs == 5);
  CHECK(beat.claimed == leases);
  const auto fail =
      ThroughReports(FailReport{kLink, {{leases[0], "corrupt", "bad", true, {"r", "{}"}}}});
  CHECK(fail.results.at(0).code == "corrupt");
  CHECK(fail.results.at(0).text == "bad");
  CHECK(fail.results.at(0).retryable);
  CHECK(fail.results.at(0).record == Record{"r", "{}"});
  const auto skip = ThroughReports(SkipReport{kLink, {{leases[0], "not-an-image"}}});
  CHECK(skip.results.at(0).reason == "not-an-image");
}

TEST_CASE("an item's result survives the wire with parts, warnings and its record") {
  DoneReport sent{kLink, {}};
  sent.results.push_back({{JobId(1), Delivery(1)},
                          ItemResult{"meta",
                                     OnePart(),
                                     {"truncated"},
                                     {"areas", "{}"},
                                     {{"a.jpg.png", 12, 1'700'000'000'000'000'000}}}});
  const DoneReport got = ThroughReports(sent);
  const auto& item = std::get<ItemResult>(got.results.at(0).what);
  CHECK(item.meta == "meta");
  CHECK(item.payload.at(0).data.text() == "abcdef");
  CHECK(item.warnings == std::vector<std::string>{"truncated"});
  CHECK(item.record.name == "areas");
  CHECK(item.record.line == "{}");
  CHECK(item.outputs == std::vector<OutputFile>{{"a.jpg.png", 12, 1'700'000'000'000'000'000}});
}

TEST_CASE("a scan's result survives the wire, with and without a next cursor") {
  ScanResult scan;
  scan.found.push_back({"a.jpg", FoundItem::Next{"meta"}});
  scan.found.push_back({"b.jpg", FoundItem::Fail{"empty", "is empty"}});
  scan.found.push_back({"c.txt", FoundItem::Skip{"not-an-image"}});
  for (const std::optional<std::string>& cursor :
       {std::optional<std::string>("b"), std::optional<std::string>()}) {
    scan.next_cursor = cursor;
    scan.exhaustive = !cursor;
    const DoneReport got = ThroughReports(DoneReport{kLink, {{{JobId(1), Delivery(1)}, scan}}});
    const auto& read = std::get<ScanResult>(got.results.at(0).what);
    CHECK(read.next_cursor == cursor);
    CHECK(read.exhaustive == !cursor);
    REQUIRE(read.found.size() == 3);
    CHECK(std::get<FoundItem::Next>(read.found[0].what).meta == "meta");
    CHECK(std::get<FoundItem::Fail>(read.found[1].what).code == "empty");
    CHECK(std::get<FoundItem::Skip>(read.found[2].what).reason == "not-an-image");
  }
}

TEST_CASE("requests survive the wire with their numbers") {
  Hello hello;
  hello.stage = "preprocess";
  hello.replica = 2;
  hello.boot = std::string(16, '\xfe');
  hello.attempt = 3;
  hello.pid = 44;
  hello.host = "node-1";
  hello.recipe = std::string(32, '\xfd');
  const Hello got = ThroughRequest(hello);
  CHECK(got.stage == "preprocess");
  CHECK(got.boot == hello.boot);
  CHECK(got.attempt == 3);
  CHECK(got.recipe == hello.recipe);
  CHECK(got.version == kProtocolVersion);

  const Exit exit = ThroughRequest(Exit{"scan", 1, 99, "h", 0, 11, "boom", true});
  CHECK(exit.signal == 11);
  CHECK(exit.stderr_tail == "boom");
  CHECK(exit.expected);
  const Submit submit = ThroughRequest(Submit{"/in", "/out", "o", 5, 0.25, true, false, true});
  CHECK(submit.output == "/out");
  CHECK(submit.stop_at_failures == 5);
  CHECK(submit.stop_at_share == doctest::Approx(0.25));
  CHECK(submit.fresh);
  CHECK_FALSE(submit.verify_outputs);
  CHECK(submit.prune);
  const RetryRequest retry = ThroughRequest(RetryRequest{"/out", "preprocess", "timeout"});
  CHECK(retry.output == "/out");
  CHECK(retry.stage == "preprocess");
  CHECK(retry.code == "timeout");
  CHECK(ThroughRequest(PauseRequest{RunId(4)}).run == RunId(4));
  CHECK(ThroughRequest(ResumeRequest{RunId(5)}).run == RunId(5));
  CHECK(ThroughRequest(BackupRequest{"/b.db"}).path == "/b.db");
  CHECK(ThroughRequest(WaitRequest{RunId(4)}).run == RunId(4));
  CHECK(ThroughRequest(StatusRequest{RunId(4)}).run == RunId(4));
  CHECK(ThroughRequest(CancelRequest{RunId(4), "why"}).reason == "why");
  CHECK(ThroughRequest(FailuresRequest{RunId(4), 12}).offset == 12);
  CHECK(ThroughRequest(LostRequest{"node7"}).host == "node7");
  CHECK_FALSE(ThroughRequest(ShutdownRequest{}).now);
  CHECK(ThroughRequest(ShutdownRequest{true}).now);
}

TEST_CASE("replies survive the wire with their numbers") {
  const LostReply lost = ThroughReply(LostReply{{{"inference", 1, 4711}, {"scan", 0, 4712}}});
  REQUIRE(lost.processes.size() == 2);
  CHECK(lost.processes[0].stage == "inference");
  CHECK(lost.processes[0].replica == 1);
  CHECK(lost.processes[1].pid == 4712);
  const Welcome welcome = ThroughReply(Welcome{kLink, "7720", "7711", 30000, 1000, 64 << 20});
  CHECK(welcome.link == kLink);
  CHECK(welcome.feed == "7720");
  CHECK(welcome.max_payload == 64 << 20);
  CHECK(ThroughReply(ErrorReply{"usage", "no"}).text == "no");
  CHECK(ThroughReply(Submitted{RunId(3)}).run == RunId(3));
  ThroughReply(OkReply{});
  StatusReply status;
  status.runs.push_back(
      {RunId(1), "/in", "/out", "active", 5, 1, 2, 1, 3, true, 1.5, "", "new", "{}"});
  status.trouble = "full";
  status.stages.push_back({"scan", 1, 2, 3, 4, 0.5});
  const StatusReply got = ThroughReply(status);
  CHECK(got.trouble == "full");
  CHECK(got.runs.at(0).failed == 2);
  CHECK(got.runs.at(0).resumed == 3);
  CHECK(got.runs.at(0).remark == "new");
  CHECK(got.runs.at(0).report == "{}");
  CHECK(got.stages.at(0).busy == doctest::Approx(0.5));
  CHECK(ThroughReply(FailuresReply{{"{}"}, true}).more);
  const EndedReply ended =
      ThroughReply(EndedReply{{{"a\xff", "empty", "no bytes", "{}"}, {"b", "", "", ""}}, 7});
  REQUIRE(ended.items.size() == 2);
  CHECK(ended.items[0].path == "a\xff");
  CHECK(ended.items[0].code == "empty");
  CHECK(ended.items[0].text == "no bytes");
  CHECK(ended.items[0].record == "{}");
  CHECK(ended.next == 7);
}

TEST_CASE("a number of a whole value survives the wire, however large") {
  StatusReply status;
  status.stages.push_back({"scan", 1, 2, 3, 4, 1.6e19});
  CHECK(ThroughReply(status).stages.at(0).busy == 1.6e19);
}

TEST_CASE("the bytes of a claim are those that PROTOCOL.md draws") {
  const Frames frames =
      Encode(ReportMessage(Claim{{Epoch(1), IncarnationId(2)}, {{JobId(3), Delivery(4)}}}));
  const std::string expected =
      "\x84\xa1t\xa5"
      "claim\xa5"
      "epoch\x01\xa3inc\x02\xa6leases\x91\x92\x03\x04";
  CHECK(frames.at(0).text() == expected);
}
