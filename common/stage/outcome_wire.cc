#include "common/stage/outcome_wire.h"

#include <string>
#include <utility>

#include "common/wire/codec.h"
#include "common/wire/token.h"

namespace millrace {
namespace {

// Room in a head for everything but the scan's own texts.
constexpr std::size_t kMaxScanBytes = wire::kMaxHeadBytes / 2;
// Likewise for one item's warnings and record, several of which share a head.
constexpr std::size_t kMaxRecordBytes = 256 * 1024;

constexpr std::string_view kReason = "reason to skip it";

std::string Cut(std::string text, std::size_t bytes) {
  if (text.size() > bytes) text.resize(bytes);
  return text;
}

Result<void> CheckRecord(const Record& record) {
  if (record.name.empty()) return {};
  if (!wire::IsRecordName(record.name)) {
    return Fail(ErrorCode::kInternal, "the stage's fault: " + wire::InvalidRecordName(record.name));
  }
  if (record.line.size() > kMaxRecordBytes) {
    return Fail(ErrorCode::kTooLarge, "the record has " + std::to_string(record.line.size()) +
                                          " bytes; the most is " + std::to_string(kMaxRecordBytes));
  }
  return {};
}

// A word that the broker would not take is the stage's fault, and costs no other item anything.
Result<void> CheckWord(std::string_view what, std::string_view word) {
  if (wire::IsToken(word)) return {};
  return Fail(ErrorCode::kInternal, "the stage's fault: " + wire::InvalidToken(what, word));
}

Result<wire::ItemResult> ToItem(Done done, std::size_t max_payload) {
  if (done.payload.size() > wire::kMaxParts) {
    return Fail(ErrorCode::kInternal, "the stage gave more than 64 parts");
  }
  for (const Part& part : done.payload) RETURN_IF_ERROR(CheckPart(part));
  if (const std::size_t bytes = PayloadBytes(done.payload); bytes > max_payload) {
    return Fail(ErrorCode::kTooLarge,
                "the result has " + std::to_string(bytes) +
                    " bytes, over the stage's max_payload of " + std::to_string(max_payload) +
                    ": give it, and the stages that hand it on, a larger one");
  }
  std::string meta = done.meta.Encode();
  if (meta.size() > kMaxMetaBytes) {
    return Fail(ErrorCode::kTooLarge, "the result's meta has " + std::to_string(meta.size()) +
                                          " bytes; the most is " + std::to_string(kMaxMetaBytes));
  }
  RETURN_IF_ERROR(CheckRecord(done.record));
  if (done.outputs.size() > wire::kMaxOutputs) {
    return Fail(ErrorCode::kInternal, "the stage published more than 64 files for one item");
  }
  if (done.warnings.size() > wire::kMaxWarnings) done.warnings.resize(wire::kMaxWarnings);
  for (const std::string& warning : done.warnings) {
    RETURN_IF_ERROR(CheckWord("warning", warning));
  }
  return wire::ItemResult{.meta = std::move(meta),
                          .payload = std::move(done.payload),
                          .warnings = std::move(done.warnings),
                          .record = std::move(done.record),
                          .outputs = std::move(done.outputs)};
}

struct FoundToWire {
  std::size_t& bytes;

  wire::FoundItem operator()(std::string key, const Meta& meta) const {
    std::string encoded = meta.Encode();
    bytes += encoded.size();
    return {std::move(key), wire::FoundItem::Next{std::move(encoded)}};
  }
  wire::FoundItem operator()(std::string key, Failed failed) const {
    std::string text = Cut(std::move(failed.text), wire::kMaxTextBytes);
    bytes += text.size();
    return {std::move(key),
            wire::FoundItem::Fail{std::string(ErrorCodeName(failed.code)), std::move(text)}};
  }
  wire::FoundItem operator()(std::string key, Skipped skipped) const {
    if (const auto checked = CheckWord(kReason, skipped.reason); !checked) {
      return (*this)(std::move(key), Failed{checked.error().code, checked.error().message});
    }
    return {std::move(key), wire::FoundItem::Skip{std::move(skipped.reason)}};
  }
};

Result<wire::ScanResult> ToScan(Scanned scanned) {
  wire::ScanResult out;
  if (scanned.found.size() > wire::kMaxArrayEntries) {
    return Fail(ErrorCode::kTooLarge, "the scan found " + std::to_string(scanned.found.size()) +
                                          " items at once; the most is " +
                                          std::to_string(wire::kMaxArrayEntries));
  }
  std::size_t bytes = scanned.next_cursor ? scanned.next_cursor->size() : 0;
  for (Found& found : scanned.found) {
    bytes += found.key.size() + 64;
    if (found.key.empty() || found.key.size() > wire::kMaxKeyBytes) {
      return Fail(ErrorCode::kInternal, "the scan found an item with a name of " +
                                            std::to_string(found.key.size()) + " bytes");
    }
    out.found.push_back(std::visit(
        [&](auto& what) { return FoundToWire{bytes}(std::move(found.key), std::move(what)); },
        found.what));
  }
  if (bytes > kMaxScanBytes) {
    return Fail(ErrorCode::kTooLarge, "the scan's chunk has " + std::to_string(bytes) +
                                          " bytes of names; the most is " +
                                          std::to_string(kMaxScanBytes) + ": make chunks smaller");
  }
  out.next_cursor = std::move(scanned.next_cursor);
  out.exhaustive = scanned.exhaustive;
  return out;
}

struct ToWireOutcome {
  const wire::Lease& lease;
  std::size_t max_payload;

  WireOutcome operator()(Done done) const {
    auto item = ToItem(std::move(done), max_payload);
    if (!item) return ToWireFailure(lease, item.error(), false);
    return wire::DoneResult{lease, std::move(*item)};
  }
  WireOutcome operator()(Scanned scanned) const {
    auto scan = ToScan(std::move(scanned));
    if (!scan) return ToWireFailure(lease, scan.error(), false);
    return wire::DoneResult{lease, std::move(*scan)};
  }
  WireOutcome operator()(Failed failed) const {
    if (const auto checked = CheckRecord(failed.record); !checked) {
      return ToWireFailure(lease, checked.error(), false);
    }
    wire::FailResult result =
        ToWireFailure(lease, Error{failed.code, std::move(failed.text)}, failed.retryable);
    result.record = std::move(failed.record);
    return result;
  }
  WireOutcome operator()(Skipped skipped) const {
    if (const auto checked = CheckWord(kReason, skipped.reason); !checked) {
      return ToWireFailure(lease, checked.error(), false);
    }
    return wire::SkipResult{lease, std::move(skipped.reason)};
  }
};

}  // namespace

WireOutcome ToWire(const wire::Lease& lease, Outcome outcome, std::size_t max_payload) {
  return std::visit(ToWireOutcome{lease, max_payload}, std::move(outcome));
}

wire::FailResult ToWireFailure(const wire::Lease& lease, const Error& error, bool retryable) {
  return {.lease = lease,
          .code = std::string(ErrorCodeName(error.code)),
          .text = Cut(error.message, wire::kMaxTextBytes),
          .retryable = retryable};
}

}  // namespace millrace
