#include <optional>

#include "common/wire/pack.h"

namespace millrace::wire {
namespace {

void PackRun(Packer& packer, const RunSpec& run) {
  packer.Map(4).Key("id").Unsigned(run.run.value());
  packer.Key("input").Bytes(run.input).Key("output").Bytes(run.output);
  packer.Key("options").Bytes(run.options);
}

void PackJob(Packer& packer, const JobSpec& job, Frames& frames) {
  packer.Map(9);
  packer.Key("job").Unsigned(job.lease.job.value());
  packer.Key("delivery").Unsigned(job.lease.delivery.value());
  packer.Key("run").Unsigned(job.run.value());
  packer.Key("key").Bytes(job.key).Key("cursor").Bytes(job.cursor).Key("meta").Bytes(job.meta);
  packer.Key("attempt").Integer(job.attempt).Key("alone").Bool(job.alone);
  packer.Key("parts").Parts(job.payload, frames);
}

JobMessage ReadJobs(Reader& reader) {
  JobMessage message{reader.LinkFields(), {}, {}};
  reader.Each("runs", [&](Reader& entry) {
    RunSpec run;
    entry.Read("id", run.run);
    run.input = entry.Text("input");
    run.output = entry.Text("output");
    run.options = entry.Text("options");
    message.runs.push_back(std::move(run));
  });
  reader.Each("jobs", [&](Reader& entry) {
    JobSpec job;
    job.lease = entry.LeaseFields();
    entry.Read("run", job.run);
    job.key = entry.Text("key");
    job.cursor = entry.Text("cursor");
    job.meta = entry.Text("meta");
    job.attempt = entry.Integer("attempt");
    job.alone = entry.Bool("alone");
    job.payload = entry.Parts("parts");
    bool known = false;
    for (const RunSpec& run : message.runs) known = known || run.run == job.run;
    if (!known) entry.Refuse("run", "is none of the message's runs");
    message.jobs.push_back(std::move(job));
  });
  return message;
}

}  // namespace

Frames Encode(const FeedMessage& message) {
  Packer packer;
  Frames frames(1);
  std::visit(Overloaded{
                 [&](const JobMessage& jobs) {
                   packer.Begin("job", jobs.link, 2).Key("runs").Array(jobs.runs.size());
                   for (const RunSpec& run : jobs.runs) PackRun(packer, run);
                   packer.Key("jobs").Array(jobs.jobs.size());
                   for (const JobSpec& job : jobs.jobs) PackJob(packer, job, frames);
                 },
                 [&](const Revoke& revoke) {
                   packer.Begin("revoke", revoke.link, 1).Key("leases").Leases(revoke.leases);
                 },
                 [&](const Confirm& confirm) {
                   packer.Begin("confirm", confirm.link, 2);
                   packer.Key("accepted").Leases(confirm.accepted);
                   packer.Key("stale").Leases(confirm.stale);
                 },
                 [&](const Drain& drain) { packer.Begin("drain", drain.link, 0); },
                 [&](const BeatReply& beat) { packer.Begin("beat", beat.link, 0); },
             },
             message);
  frames[0] = packer.Finish();
  return frames;
}

Result<FeedMessage> DecodeFeed(std::span<const Buffer> frames) {
  return Decode<FeedMessage>(
      frames, [](const std::string& type, Reader& reader) -> std::optional<FeedMessage> {
        if (type == "job") return ReadJobs(reader);
        if (type == "revoke") return Revoke{reader.LinkFields(), reader.Leases("leases")};
        if (type == "confirm") {
          return Confirm{reader.LinkFields(), reader.Leases("accepted"), reader.Leases("stale")};
        }
        if (type == "drain") return Drain{reader.LinkFields()};
        if (type == "beat") return BeatReply{reader.LinkFields()};
        return std::nullopt;
      });
}

}  // namespace millrace::wire
