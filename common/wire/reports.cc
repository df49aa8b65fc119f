#include <optional>

#include "common/payload/meta.h"
#include "common/wire/pack.h"

namespace millrace::wire {
namespace {

Packer& PackLease(Packer& packer, const Lease& lease, std::size_t more) {
  packer.Map(2 + more).Key("job").Unsigned(lease.job.value());
  return packer.Key("delivery").Unsigned(lease.delivery.value());
}

void PackFound(Packer& packer, const FoundItem& found) {
  packer.Map(2).Key("key").Bytes(found.key);
  std::visit(Overloaded{
                 [&](const FoundItem::Next& next) { packer.Key("meta").Bytes(next.meta); },
                 [&](const FoundItem::Fail& fail) {
                   packer.Key("fail").Map(2).Key("code").Text(fail.code);
                   packer.Key("text").Bytes(fail.text);
                 },
                 [&](const FoundItem::Skip& skip) { packer.Key("skip").Text(skip.reason); },
             },
             found.what);
}

std::string FailureText(Reader& fail) {
  std::string text = fail.Text("text");
  if (text.size() > kMaxTextBytes) text.resize(kMaxTextBytes);
  return text;
}

FoundItem ReadFound(Reader& entry) {
  FoundItem found{entry.Text("key"), FoundItem::Next{}};
  if (entry.Has("fail")) {
    entry.Nested("fail", [&](Reader& fail) {
      found.what = FoundItem::Fail{fail.Text("code"), FailureText(fail)};
    });
  } else if (entry.Has("skip")) {
    found.what = FoundItem::Skip{entry.Text("skip")};
  } else {
    found.what = FoundItem::Next{entry.Text("meta")};
  }
  if (found.key.empty()) entry.Refuse("key", "is empty");
  if (found.key.size() > kMaxKeyBytes) entry.Refuse("key", "is too long");
  return found;
}

void PackOutputs(Packer& packer, const std::vector<OutputFile>& outputs) {
  packer.Key("outputs").Array(outputs.size());
  for (const OutputFile& file : outputs) {
    packer.Map(3).Key("path").Bytes(file.path).Key("bytes").Integer(file.bytes);
    packer.Key("mtime_ns").Integer(file.mtime_ns);
  }
}

OutputFile ReadOutput(Reader& entry) {
  OutputFile file{entry.Text("path"), entry.Integer("bytes"), entry.Integer("mtime_ns")};
  if (file.path.empty()) entry.Refuse("path", "is empty");
  if (file.path.size() > kMaxKeyBytes) entry.Refuse("path", "is too long");
  return file;
}

void PackRecord(Packer& packer, const Record& record) {
  packer.Key("record_name").Text(record.name);
  packer.Key("record").Bytes(record.line);
}

Record ReadRecord(Reader& entry) {
  return {entry.TextOr("record_name", ""), entry.TextOr("record", "")};
}

void PackDone(Packer& packer, const DoneResult& result, Frames& frames) {
  std::visit(Overloaded{
                 [&](const ItemResult& item) {
                   PackLease(packer, result.lease, 6).Key("meta").Bytes(item.meta);
                   packer.Key("parts").Parts(item.payload, frames);
                   packer.Key("warnings").Array(item.warnings.size());
                   for (const std::string& warning : item.warnings) packer.Text(warning);
                   PackRecord(packer, item.record);
                   PackOutputs(packer, item.outputs);
                 },
                 [&](const ScanResult& scan) {
                   PackLease(packer, result.lease, 3).Key("found").Array(scan.found.size());
                   for (const FoundItem& found : scan.found) PackFound(packer, found);
                   packer.Key("cursor");
                   scan.next_cursor ? packer.Bytes(*scan.next_cursor) : packer.Nil();
                   packer.Key("exhaustive").Bool(scan.exhaustive);
                 },
             },
             result.what);
}

DoneResult ReadDone(Reader& entry) {
  DoneResult result{entry.LeaseFields(), {}};
  if (entry.Has("found")) {
    ScanResult scan;
    entry.Each("found", [&](Reader& item) { scan.found.push_back(ReadFound(item)); });
    if (entry.Has("cursor")) scan.next_cursor = entry.Text("cursor");
    scan.exhaustive = entry.BoolOr("exhaustive", false);
    result.what = std::move(scan);
    return result;
  }
  ItemResult item;
  item.meta = entry.TextOr("meta", "");
  if (item.meta.size() > kMaxMetaBytes) entry.Refuse("meta", "is too long");
  item.payload = entry.Parts("parts");
  if (entry.Has("warnings")) item.warnings = entry.Texts("warnings");
  item.record = ReadRecord(entry);
  if (entry.Has("outputs")) {
    entry.Each("outputs", [&](Reader& file) { item.outputs.push_back(ReadOutput(file)); });
  }
  if (item.outputs.size() > kMaxOutputs) entry.Refuse("outputs", "are too many");
  result.what = std::move(item);
  return result;
}

FailReport ReadFail(Reader& reader) {
  FailReport report{reader.LinkFields(), {}};
  reader.Each("results", [&](Reader& entry) {
    report.results.push_back({entry.LeaseFields(), entry.Text("code"), FailureText(entry),
                              entry.BoolOr("retryable", false), ReadRecord(entry)});
  });
  return report;
}

SkipReport ReadSkip(Reader& reader) {
  SkipReport report{reader.LinkFields(), {}};
  reader.Each("results", [&](Reader& entry) {
    report.results.push_back({entry.LeaseFields(), entry.Text("reason")});
  });
  return report;
}

Beat ReadBeat(Reader& reader) {
  Beat beat{reader.LinkFields()};
  beat.progress = reader.Unsigned("progress");
  beat.busy_ns = reader.Unsigned("busy_ns");
  beat.foreign_jobs = reader.UnsignedOr("foreign_jobs", 0);
  beat.claimed = reader.Leases("claimed");
  return beat;
}

}  // namespace

Frames Encode(const ReportMessage& message) {
  Packer packer;
  Frames frames(1);
  std::visit(
      Overloaded{
          [&](const Credit& credit) {
            packer.Begin("credit", credit.link, 1).Key("slots").Integer(credit.slots);
          },
          [&](const Claim& claim) {
            packer.Begin("claim", claim.link, 1).Key("leases").Leases(claim.leases);
          },
          [&](const DoneReport& done) {
            packer.Begin("done", done.link, 1).Key("results").Array(done.results.size());
            for (const DoneResult& result : done.results) PackDone(packer, result, frames);
          },
          [&](const FailReport& fail) {
            packer.Begin("fail", fail.link, 1).Key("results").Array(fail.results.size());
            for (const FailResult& result : fail.results) {
              PackLease(packer, result.lease, 5).Key("code").Text(result.code);
              packer.Key("text").Bytes(std::string_view(result.text).substr(0, kMaxTextBytes));
              packer.Key("retryable").Bool(result.retryable);
              PackRecord(packer, result.record);
            }
          },
          [&](const SkipReport& skip) {
            packer.Begin("skip", skip.link, 1).Key("results").Array(skip.results.size());
            for (const SkipResult& result : skip.results) {
              PackLease(packer, result.lease, 1).Key("reason").Text(result.reason);
            }
          },
          [&](const Return& give_back) {
            packer.Begin("return", give_back.link, 1).Key("leases").Leases(give_back.leases);
          },
          [&](const Beat& beat) {
            packer.Begin("beat", beat.link, 4).Key("progress").Unsigned(beat.progress);
            packer.Key("busy_ns").Unsigned(beat.busy_ns);
            packer.Key("foreign_jobs").Unsigned(beat.foreign_jobs);
            packer.Key("claimed").Leases(beat.claimed);
          },
      },
      message);
  frames[0] = packer.Finish();
  return frames;
}

Result<ReportMessage> DecodeReport(std::span<const Buffer> frames) {
  return Decode<ReportMessage>(
      frames, [](const std::string& type, Reader& reader) -> std::optional<ReportMessage> {
        if (type == "credit") return Credit{reader.LinkFields(), reader.Integer("slots")};
        if (type == "claim") return Claim{reader.LinkFields(), reader.Leases("leases")};
        if (type == "done") {
          DoneReport report{reader.LinkFields(), {}};
          reader.Each("results", [&](Reader& entry) { report.results.push_back(ReadDone(entry)); });
          return report;
        }
        if (type == "fail") return ReadFail(reader);
        if (type == "skip") return ReadSkip(reader);
        if (type == "return") return Return{reader.LinkFields(), reader.Leases("leases")};
        if (type == "beat") return ReadBeat(reader);
        return std::nullopt;
      });
}

}  // namespace millrace::wire
