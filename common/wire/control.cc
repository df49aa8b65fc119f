#include <optional>

#include "common/wire/pack.h"

namespace millrace::wire {
namespace {

// "t" and "id", with `more` entries of the message's own to follow.
Packer& Begin(Packer& packer, std::string_view type, std::uint64_t id, std::size_t more) {
  return packer.Map(2 + more).Key("t").Text(type).Key("id").Unsigned(id);
}

void PackHello(Packer& packer, std::uint64_t id, const Hello& hello) {
  Begin(packer, "hello", id, 9).Key("version").Integer(hello.version);
  packer.Key("stage").Text(hello.stage).Key("replica").Integer(hello.replica);
  packer.Key("boot").Bytes(hello.boot).Key("attempt").Integer(hello.attempt);
  packer.Key("pid").Integer(hello.pid).Key("host").Text(hello.host);
  packer.Key("software").Text(hello.software).Key("recipe").Bytes(hello.recipe);
}

Hello ReadHello(Reader& reader) {
  Hello hello;
  hello.version = reader.Integer("version");
  hello.stage = reader.Text("stage");
  hello.replica = reader.IntegerOr("replica", 0);
  hello.boot = reader.Text("boot");
  hello.attempt = reader.Integer("attempt");
  hello.pid = reader.IntegerOr("pid", 0);
  hello.host = reader.TextOr("host", "");
  hello.software = reader.TextOr("software", "");
  hello.recipe = reader.TextOr("recipe", "");
  if (hello.recipe.size() > kMaxRecipeBytes) reader.Refuse("recipe", "is too long");
  if (hello.boot.size() != 16) reader.Refuse("boot", "is not 16 bytes");
  return hello;
}

void PackExit(Packer& packer, std::uint64_t id, const Exit& exit) {
  Begin(packer, "exit", id, 8).Key("stage").Text(exit.stage).Key("replica").Integer(exit.replica);
  packer.Key("pid").Integer(exit.pid).Key("host").Text(exit.host);
  packer.Key("status").Integer(exit.status).Key("signal").Integer(exit.signal);
  packer.Key("stderr").Bytes(exit.stderr_tail).Key("expected").Bool(exit.expected);
}

Exit ReadExit(Reader& reader) {
  Exit exit;
  exit.stage = reader.Text("stage");
  exit.replica = reader.Integer("replica");
  exit.pid = reader.Integer("pid");
  exit.host = reader.Text("host");
  exit.status = reader.Integer("status");
  exit.signal = reader.Integer("signal");
  exit.stderr_tail = reader.TextOr("stderr", "");
  exit.expected = reader.BoolOr("expected", false);
  return exit;
}

void PackLost(Packer& packer, std::uint64_t id, const LostReply& lost) {
  Begin(packer, "lost", id, 1).Key("processes").Array(lost.processes.size());
  for (const LostProcess& process : lost.processes) {
    packer.Map(3).Key("stage").Text(process.stage).Key("replica").Integer(process.replica);
    packer.Key("pid").Integer(process.pid);
  }
}

LostReply ReadLost(Reader& reader) {
  LostReply lost;
  reader.Each("processes", [&](Reader& entry) {
    lost.processes.push_back({entry.Text("stage"), entry.Integer("replica"), entry.Integer("pid")});
  });
  return lost;
}

void PackSubmit(Packer& packer, std::uint64_t id, const Submit& submit) {
  Begin(packer, "submit", id, 8).Key("input").Bytes(submit.input);
  packer.Key("output").Bytes(submit.output).Key("options").Bytes(submit.options);
  packer.Key("stop_at_failures").Integer(submit.stop_at_failures);
  packer.Key("stop_at_share").Number(submit.stop_at_share).Key("fresh").Bool(submit.fresh);
  packer.Key("verify_outputs").Bool(submit.verify_outputs).Key("prune").Bool(submit.prune);
}

Submit ReadSubmit(Reader& reader) {
  Submit submit;
  submit.input = reader.Text("input");
  submit.output = reader.Text("output");
  submit.options = reader.TextOr("options", "");
  submit.stop_at_failures = reader.IntegerOr("stop_at_failures", 0);
  if (reader.Has("stop_at_share")) submit.stop_at_share = reader.Number("stop_at_share");
  submit.fresh = reader.BoolOr("fresh", false);
  submit.verify_outputs = reader.BoolOr("verify_outputs", false);
  submit.prune = reader.BoolOr("prune", false);
  return submit;
}

void PackRetry(Packer& packer, std::uint64_t id, const RetryRequest& retry) {
  Begin(packer, "retry", id, 3).Key("output").Bytes(retry.output);
  packer.Key("stage").Text(retry.stage).Key("code").Text(retry.code);
}

RetryRequest ReadRetry(Reader& reader) {
  return {reader.Text("output"), reader.TextOr("stage", ""), reader.TextOr("code", "")};
}

void PackRunStatus(Packer& packer, const RunStatus& run) {
  packer.Map(run.remark.empty() ? 13 : 14).Key("run").Unsigned(run.run.value());
  packer.Key("input").Bytes(run.input).Key("output").Bytes(run.output);
  packer.Key("state").Text(run.state).Key("scanned").Integer(run.scanned);
  packer.Key("ok").Integer(run.ok).Key("failed").Integer(run.failed);
  packer.Key("skipped").Integer(run.skipped).Key("resumed").Integer(run.resumed);
  packer.Key("scan_complete").Bool(run.scan_complete);
  packer.Key("elapsed_s").Number(run.elapsed_s).Key("reason").Bytes(run.reason);
  packer.Key("report").Bytes(run.report);
  if (!run.remark.empty()) packer.Key("remark").Bytes(run.remark);
}

RunStatus ReadRunStatus(Reader& entry) {
  RunStatus run;
  entry.Read("run", run.run);
  run.input = entry.Text("input");
  run.output = entry.Text("output");
  run.state = entry.Text("state");
  run.scanned = entry.Integer("scanned");
  run.ok = entry.Integer("ok");
  run.failed = entry.Integer("failed");
  run.skipped = entry.Integer("skipped");
  run.resumed = entry.IntegerOr("resumed", 0);
  run.scan_complete = entry.Bool("scan_complete");
  run.elapsed_s = entry.Number("elapsed_s");
  run.reason = entry.Text("reason");
  run.report = entry.Text("report");
  run.remark = entry.TextOr("remark", "");
  return run;
}

void PackStageStatus(Packer& packer, const StageStatus& stage) {
  packer.Map(6).Key("name").Text(stage.name).Key("workers").Integer(stage.workers);
  packer.Key("waiting").Integer(stage.waiting).Key("active").Integer(stage.active);
  packer.Key("bytes").Integer(stage.bytes).Key("busy").Number(stage.busy);
}

StageStatus ReadStageStatus(Reader& entry) {
  StageStatus stage;
  stage.name = entry.Text("name");
  stage.workers = entry.Integer("workers");
  stage.waiting = entry.Integer("waiting");
  stage.active = entry.Integer("active");
  stage.bytes = entry.Integer("bytes");
  stage.busy = entry.Number("busy");
  return stage;
}

Welcome ReadWelcome(Reader& reader) {
  Welcome welcome;
  welcome.link = reader.LinkFields();
  welcome.feed = reader.Text("feed");
  welcome.reports = reader.Text("reports");
  welcome.lease_ms = reader.Integer("lease_ms");
  welcome.beat_ms = reader.Integer("beat_ms");
  welcome.max_payload = reader.Integer("max_payload");
  return welcome;
}

void PackWelcome(Packer& packer, std::uint64_t id, const Welcome& welcome) {
  Begin(packer, "welcome", id, 7).Key("epoch").Unsigned(welcome.link.epoch.value());
  packer.Key("inc").Unsigned(welcome.link.incarnation.value());
  packer.Key("feed").Text(welcome.feed).Key("reports").Text(welcome.reports);
  packer.Key("lease_ms").Integer(welcome.lease_ms).Key("beat_ms").Integer(welcome.beat_ms);
  packer.Key("max_payload").Integer(welcome.max_payload);
}

RunId ReadRun(Reader& reader) {
  RunId run;
  reader.Read("run", run);
  return run;
}

}  // namespace

Frames Encode(const RequestEnvelope& message) {
  Packer packer;
  const std::uint64_t id = message.id;
  std::visit(Overloaded{
                 [&](const Hello& hello) { PackHello(packer, id, hello); },
                 [&](const Exit& exit) { PackExit(packer, id, exit); },
                 [&](const LostRequest& lost) {
                   Begin(packer, "lost", id, 1).Key("host").Text(lost.host);
                 },
                 [&](const Submit& submit) { PackSubmit(packer, id, submit); },
                 [&](const StatusRequest& status) {
                   Begin(packer, "status", id, 1).Key("run").Unsigned(status.run.value());
                 },
                 [&](const WaitRequest& wait) {
                   Begin(packer, "wait", id, 1).Key("run").Unsigned(wait.run.value());
                 },
                 [&](const CancelRequest& cancel) {
                   Begin(packer, "cancel", id, 2).Key("run").Unsigned(cancel.run.value());
                   packer.Key("reason").Bytes(cancel.reason);
                 },
                 [&](const RetryRequest& retry) { PackRetry(packer, id, retry); },
                 [&](const PauseRequest& pause) {
                   Begin(packer, "pause", id, 1).Key("run").Unsigned(pause.run.value());
                 },
                 [&](const ResumeRequest& resume) {
                   Begin(packer, "resume", id, 1).Key("run").Unsigned(resume.run.value());
                 },
                 [&](const BackupRequest& backup) {
                   Begin(packer, "backup", id, 1).Key("path").Bytes(backup.path);
                 },
                 [&](const FailuresRequest& failures) {
                   Begin(packer, "failures", id, 2).Key("run").Unsigned(failures.run.value());
                   packer.Key("offset").Integer(failures.offset);
                 },
                 [&](const EndedRequest& ended) {
                   Begin(packer, "ended", id, 2).Key("run").Unsigned(ended.run.value());
                   packer.Key("from").Unsigned(ended.from);
                 },
                 [&](const ShutdownRequest& shutdown) {
                   Begin(packer, "shutdown", id, 1).Key("now").Bool(shutdown.now);
                 },
             },
             message.request);
  return {packer.Finish()};
}

Frames Encode(const ReplyEnvelope& message) {
  Packer packer;
  const std::uint64_t id = message.id;
  std::visit(Overloaded{
                 [&](const Welcome& welcome) { PackWelcome(packer, id, welcome); },
                 [&](const ErrorReply& error) {
                   Begin(packer, "error", id, 2).Key("code").Text(error.code);
                   packer.Key("text").Bytes(error.text);
                 },
                 [&](const OkReply&) { Begin(packer, "ok", id, 0); },
                 [&](const LostReply& lost) { PackLost(packer, id, lost); },
                 [&](const Submitted& submitted) {
                   Begin(packer, "submitted", id, 1).Key("run").Unsigned(submitted.run.value());
                 },
                 [&](const StatusReply& status) {
                   Begin(packer, "status", id, 3).Key("trouble").Bytes(status.trouble);
                   packer.Key("runs").Array(status.runs.size());
                   for (const RunStatus& run : status.runs) PackRunStatus(packer, run);
                   packer.Key("stages").Array(status.stages.size());
                   for (const StageStatus& stage : status.stages) PackStageStatus(packer, stage);
                 },
                 [&](const FailuresReply& failures) {
                   Begin(packer, "failures", id, 2).Key("lines").Array(failures.lines.size());
                   for (const std::string& line : failures.lines) packer.Bytes(line);
                   packer.Key("more").Bool(failures.more);
                 },
                 [&](const EndedReply& ended) {
                   Begin(packer, "ended", id, 2).Key("items").Array(ended.items.size());
                   for (const EndedItem& item : ended.items) {
                     packer.Map(4).Key("path").Bytes(item.path).Key("code").Text(item.code);
                     packer.Key("text").Bytes(item.text).Key("record").Bytes(item.record);
                   }
                   packer.Key("next").Unsigned(ended.next);
                 },
             },
             message.reply);
  return {packer.Finish()};
}

Result<RequestEnvelope> DecodeRequest(std::span<const Buffer> frames) {
  return Decode<RequestEnvelope>(
      frames, [](const std::string& type, Reader& reader) -> std::optional<RequestEnvelope> {
        const std::uint64_t id = reader.Unsigned("id");
        const auto with = [&](ControlRequest request) {
          return RequestEnvelope{id, std::move(request)};
        };
        if (type == "hello") return with(ReadHello(reader));
        if (type == "exit") return with(ReadExit(reader));
        if (type == "lost") return with(LostRequest{reader.Text("host")});
        if (type == "submit") return with(ReadSubmit(reader));
        if (type == "status") return with(StatusRequest{ReadRun(reader)});
        if (type == "wait") return with(WaitRequest{ReadRun(reader)});
        if (type == "cancel") {
          return with(CancelRequest{ReadRun(reader), reader.TextOr("reason", "")});
        }
        if (type == "failures") {
          return with(FailuresRequest{ReadRun(reader), reader.Integer("offset")});
        }
        if (type == "retry") return with(ReadRetry(reader));
        if (type == "pause") return with(PauseRequest{ReadRun(reader)});
        if (type == "resume") return with(ResumeRequest{ReadRun(reader)});
        if (type == "backup") return with(BackupRequest{reader.Text("path")});
        if (type == "ended") {
          const RunId run = ReadRun(reader);
          return with(EndedRequest{run, reader.UnsignedOr("from", 0)});
        }
        if (type == "shutdown") return with(ShutdownRequest{reader.BoolOr("now", false)});
        return std::nullopt;
      });
}

Result<ReplyEnvelope> DecodeReply(std::span<const Buffer> frames) {
  return Decode<ReplyEnvelope>(
      frames, [](const std::string& type, Reader& reader) -> std::optional<ReplyEnvelope> {
        const std::uint64_t id = reader.Unsigned("id");
        const auto with = [&](ControlReply reply) { return ReplyEnvelope{id, std::move(reply)}; };
        if (type == "welcome") return with(ReadWelcome(reader));
        if (type == "error") return with(ErrorReply{reader.Text("code"), reader.Text("text")});
        if (type == "ok") return with(OkReply{});
        if (type == "lost") return with(ReadLost(reader));
        if (type == "submitted") return with(Submitted{ReadRun(reader)});
        if (type == "status") {
          StatusReply status;
          status.trouble = reader.TextOr("trouble", "");
          reader.Each("runs", [&](Reader& entry) { status.runs.push_back(ReadRunStatus(entry)); });
          reader.Each("stages",
                      [&](Reader& entry) { status.stages.push_back(ReadStageStatus(entry)); });
          return with(std::move(status));
        }
        if (type == "failures") {
          return with(FailuresReply{reader.Texts("lines"), reader.Bool("more")});
        }
        if (type == "ended") {
          EndedReply ended;
          reader.Each("items", [&](Reader& entry) {
            ended.items.push_back({entry.Text("path"), entry.TextOr("code", ""),
                                   entry.TextOr("text", ""), entry.TextOr("record", "")});
          });
          ended.next = reader.Unsigned("next");
          return with(std::move(ended));
        }
        return std::nullopt;
      });
}

std::uint64_t RequestIdOf(std::span<const Buffer> frames) {
  const Result<Head> head = Head::Parse(frames);
  if (!head) return 0;
  std::span<const Buffer> rest;
  Error error;
  bool failed = false;
  Reader reader(head->map(), rest, error, failed);
  return reader.Unsigned("id");
}

}  // namespace millrace::wire
