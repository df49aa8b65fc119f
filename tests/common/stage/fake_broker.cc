#include "tests/common/stage/fake_broker.h"

#include <utility>

#include "common/wire/codec.h"
#include "tests/common/net/await.h"

namespace millrace {
namespace {

const wire::Link& LinkOf(const wire::ReportMessage& report) {
  return std::visit([](const auto& each) -> const wire::Link& { return each.link; }, report);
}

net::Socket Open(net::Context& context, net::SocketKind kind) {
  return net::Socket::Open(context, kind, {.heartbeat = kPatience}).value();
}

std::vector<wire::Lease> LeasesOf(const wire::ReportMessage& report) {
  return std::visit(
      [](const auto& each) -> std::vector<wire::Lease> {
        if constexpr (requires { each.leases; }) {
          return each.leases;
        } else if constexpr (requires { each.results; }) {
          std::vector<wire::Lease> leases;
          for (const auto& result : each.results) leases.push_back(result.lease);
          return leases;
        } else {
          return {};
        }
      },
      report);
}

}  // namespace

FakeBroker::FakeBroker()
    : folder_(TempDir::Create().value()),
      context_(net::Context::Create().value()),
      control_(Open(context_, net::SocketKind::kControlServer)),
      reports_socket_(Open(context_, net::SocketKind::kReportsReceiver)),
      link_{Epoch(7), IncarnationId(0)} {
  REQUIRE(control_.Bind(control()));
  REQUIRE(reports_socket_.Bind(net::Beside(control(), "reports").value()));
  loop_.OnReadable(control_, [] {});
  loop_.OnReadable(reports_socket_, [] {});
}

net::Endpoint FakeBroker::control() const {
  return net::ParseEndpoint("ipc://" + folder_.path() + "/control").value();
}

void FakeBroker::Pump() {
  for (;;) {
    const auto received = control_.Receive().value();
    if (!received) break;
    const auto request = wire::DecodeRequest(received->frames).value();
    if (const auto* hello = std::get_if<wire::Hello>(&request.request)) {
      hello_ = *hello;
      hello_identity_ = received->identity;
      hello_id_ = request.id;
    }
    if (const auto* exit = std::get_if<wire::Exit>(&request.request)) {
      exit_ = *exit;
      REQUIRE(
          control_.SendTo(received->identity, wire::Encode({request.id, wire::OkReply{}})).value());
    }
  }
  for (;;) {
    const auto received = reports_socket_.Receive().value();
    if (!received) break;
    TakeReport(wire::DecodeReport(received->frames).value());
  }
}

void FakeBroker::TakeReport(wire::ReportMessage report) {
  if (!(LinkOf(report) == link_)) return;  // an ended incarnation's
  if (std::holds_alternative<wire::Beat>(report)) {
    ++beats_;
    if (answering_beats_) Answer(wire::BeatReply{link_});
  }
  if (confirming_) Confirm(report);
  reports_.push_back(std::move(report));
}

void FakeBroker::Confirm(const wire::ReportMessage& report) {
  wire::Confirm confirm{link_, LeasesOf(report), {}};
  if (!confirm.accepted.empty()) Answer(std::move(confirm));
}

void FakeBroker::AwaitCondition(const std::function<bool()>& condition) {
  net::Await(loop_, [&] {
    Pump();
    return condition();
  });
}

wire::Hello FakeBroker::AwaitHello() {
  AwaitCondition([&] { return hello_.has_value(); });
  return *std::exchange(hello_, std::nullopt);
}

wire::Exit FakeBroker::AwaitExit() {
  AwaitCondition([&] { return exit_.has_value(); });
  return *std::exchange(exit_, std::nullopt);
}

bool FakeBroker::HasExit() {
  Pump();
  return exit_.has_value();
}

void FakeBroker::Welcome() {
  link_.incarnation = IncarnationId(link_.incarnation.value() + 1);
  reports_.clear();
  feed_up_ = false;
  const std::string name = "f" + std::to_string(link_.incarnation.value());
  feed_ = Open(context_, net::SocketKind::kFeedSender);
  REQUIRE(feed_->Bind(net::Beside(control(), name).value()));
  const wire::ReplyEnvelope reply{hello_id_, wire::Welcome{.link = link_,
                                                           .feed = name,
                                                           .reports = "reports",
                                                           .lease_ms = lease_ms,
                                                           .beat_ms = beat_ms,
                                                           .max_payload = max_payload}};
  REQUIRE(control_.SendTo(hello_identity_, wire::Encode(reply)).value());
}

void FakeBroker::Refuse(const Error& error) {
  const wire::ReplyEnvelope reply{
      hello_id_, wire::ErrorReply{std::string(ErrorCodeName(error.code)), error.message}};
  REQUIRE(control_.SendTo(hello_identity_, wire::Encode(reply)).value());
}

std::int64_t FakeBroker::Join() {
  AwaitHello();
  Welcome();
  const std::int64_t slots = Await<wire::Credit>().slots;
  AwaitFeed();
  return slots;
}

void FakeBroker::AwaitFeed() {
  // The worker's links are up before ours have noticed.
  if (!feed_up_) net::AwaitWritable(*feed_);
  feed_up_ = true;
}

void FakeBroker::Send(const wire::FeedMessage& message) {
  AwaitFeed();
  REQUIRE(feed_->Send(wire::Encode(message)).value());
}

void FakeBroker::Answer(const wire::FeedMessage& message) {
  if (!feed_) return;
  AwaitFeed();
  // A worker that has left needs no answer.
  REQUIRE(feed_->Send(wire::Encode(message)));
}

std::vector<wire::Lease> FakeBroker::SendJobs(const std::vector<std::string>& keys, bool alone) {
  wire::JobMessage message{link_, {{RunId(1), "/in", "/out", ""}}, {}};
  std::vector<wire::Lease> leases;
  for (const std::string& key : keys) {
    wire::JobSpec spec{.lease = {JobId(++last_job_), Delivery(1)}, .run = RunId(1), .key = key};
    spec.alone = alone;
    spec.payload = {{.name = "bytes",
                     .dtype = DType::kUInt8,
                     .shape = {static_cast<std::int64_t>(key.size())},
                     .data = Buffer::Copy(key)}};
    leases.push_back(spec.lease);
    message.jobs.push_back(std::move(spec));
  }
  Send(std::move(message));
  return leases;
}

void FakeBroker::EndIncarnation() { feed_.reset(); }

}  // namespace millrace
