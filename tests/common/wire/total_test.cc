// Decoding is total: whatever the bytes, it gives a message or an error.
#include <doctest/doctest.h>

#include <random>

#include "common/payload/meta.h"
#include "common/wire/codec.h"

using namespace millrace;
using namespace millrace::wire;

namespace {

constexpr Link kLink{Epoch(1), IncarnationId(2)};

std::vector<Frames> Samples() {
  JobMessage jobs{kLink, {{RunId(1), "/in", "/out", ""}}, {}};
  jobs.jobs.push_back({{JobId(5), Delivery(2)},
                       RunId(1),
                       "key",
                       "",
                       "",
                       0,
                       false,
                       {{"image", DType::kUInt8, {2, 3}, Buffer::Copy("abcdef")}}});
  DoneReport done{kLink, {}};
  ScanResult scan;
  scan.found.push_back({"a", FoundItem::Fail{"empty", "text"}});
  done.results.push_back({{JobId(1), Delivery(1)}, scan});
  Hello hello;
  hello.boot = std::string(16, 'b');
  StatusReply status;
  status.runs.push_back({RunId(1), "/in", "/out", "active", 5, 1, 2, 1, 0, true, 1.5, "", ""});
  return {Encode(FeedMessage(jobs)), Encode(ReportMessage(done)),
          Encode(ReportMessage(Beat{kLink, 1, 2, 3, {{JobId(1), Delivery(1)}}})),
          Encode(RequestEnvelope{1, hello}), Encode(ReplyEnvelope{1, status})};
}

void DecodeEveryWay(const Frames& frames) {
  (void)DecodeFeed(frames);
  (void)DecodeReport(frames);
  (void)DecodeRequest(frames);
  (void)DecodeReply(frames);
  (void)RequestIdOf(frames);
}

Frames WithHead(const std::string& head) { return {Buffer::Copy(head)}; }

}  // namespace

TEST_CASE("a message cut anywhere is an error") {
  for (const Frames& sample : Samples()) {
    for (std::size_t length = 0; length < sample[0].size(); ++length) {
      Frames cut = sample;
      cut[0] = Buffer::Copy(sample[0].text().substr(0, length));
      CHECK_FALSE(DecodeFeed(cut));
      CHECK_FALSE(DecodeReport(cut));
      CHECK_FALSE(DecodeRequest(cut));
      CHECK_FALSE(DecodeReply(cut));
    }
  }
}

TEST_CASE("a message with any bytes changed is decoded or refused, and nothing else") {
  std::mt19937 random(20260101);
  for (const Frames& sample : Samples()) {
    for (int round = 0; round < 4000; ++round) {
      std::string head(sample[0].text());
      for (std::uint32_t flips = 1 + random() % 4; flips > 0; --flips) {
        head[random() % head.size()] = static_cast<char>(random());
      }
      Frames changed = sample;
      changed[0] = Buffer::Copy(head);
      DecodeEveryWay(changed);
    }
  }
}

TEST_CASE("headers that promise billions of entries are refused without allocating them") {
  DecodeEveryWay(WithHead("\xdf\xff\xff\xff\xff"));
  DecodeEveryWay(WithHead("\x81\xa1t\xdd\xff\xff\xff\xff"));
  DecodeEveryWay(WithHead(std::string("\x81\xa1t") + std::string(100000, '\x91')));
  CHECK_FALSE(DecodeReport(WithHead("\x81\xa1t\xdd\xff\xff\xff\xff")));
}

TEST_CASE("an array of more entries than the head has bytes is refused by its header") {
  // {"t": an array of 65,535 entries, of which none comes
  const Result<ReportMessage> read = DecodeReport(WithHead("\x81\xa1t\xdc\xff\xff"));
  REQUIRE_FALSE(read);
  CHECK(read.error().message.find("array size overflow") != std::string::npos);
}

TEST_CASE("a number of foreign jobs that is negative is refused, not wrapped around") {
  // {"t": "beat", "epoch": 1, "inc": 2, "progress": 1, "busy_ns": 1, "foreign_jobs": -1,
  //  "claimed": []}
  const Result<ReportMessage> read =
      DecodeReport(WithHead(std::string("\x87\xa1t\xa4"
                                        "beat\xa5"
                                        "epoch\x01\xa3inc\x02\xa8progress\x01\xa7"
                                        "busy_ns\x01\xac"
                                        "foreign_jobs\xff\xa7"
                                        "claimed\x90")));
  REQUIRE_FALSE(read);
  CHECK(read.error().message == "message 'beat': field 'foreign_jobs' has the wrong type");
}

TEST_CASE("a message without frames is an error") {
  CHECK_FALSE(DecodeFeed({}));
  CHECK_FALSE(DecodeReport({}));
}

TEST_CASE("parts must have exactly the frames that they name") {
  Frames frames = Samples()[0];
  Frames fewer = {frames[0]};
  CHECK_FALSE(DecodeFeed(fewer));
  Frames more = frames;
  more.push_back(Buffer::Copy("surplus"));
  CHECK_FALSE(DecodeFeed(more));
  Frames shorter = {frames[0], Buffer::Copy("abc")};
  const Result<FeedMessage> read = DecodeFeed(shorter);
  REQUIRE_FALSE(read);
  CHECK(read.error().message.find("image") != std::string::npos);
}

TEST_CASE("an error names the message and the field") {
  // {"t": "claim", "epoch": 1, "inc": 2}
  const Result<ReportMessage> read =
      DecodeReport(WithHead("\x83\xa1t\xa5"
                            "claim\xa5"
                            "epoch\x01\xa3inc\x02"));
  REQUIRE_FALSE(read);
  CHECK(read.error().code == ErrorCode::kProtocol);
  CHECK(read.error().message == "message 'claim': field 'leases' is missing");
}

TEST_CASE("fields that a newer peer adds are ignored") {
  // {"t": "drain", "epoch": 1, "inc": 2, "new": [1]}
  CHECK(
      DecodeFeed(WithHead("\x84\xa1t\xa5"
                          "drain\xa5"
                          "epoch\x01\xa3inc\x02\xa3new\x91\x01")));
}

TEST_CASE("a job that names a run the message lacks is refused") {
  JobMessage jobs{kLink, {}, {}};
  jobs.jobs.push_back({{JobId(5), Delivery(2)}, RunId(1), "key", "", "", 0, false, {}});
  CHECK_FALSE(DecodeFeed(Encode(FeedMessage(jobs))));
}

TEST_CASE("the number of a refused request is still found, for the answer") {
  // {"t": "nonsense", "id": 77}
  const Frames frames = WithHead("\x82\xa1t\xa8nonsense\xa2id\x4d");
  CHECK_FALSE(DecodeRequest(frames));
  CHECK(RequestIdOf(frames) == 77);
}
