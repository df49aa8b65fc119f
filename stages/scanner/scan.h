// One run's scan, chunk by chunk: a source, its cursor, and the two counts (limit, sample) on top.
#pragma once

#include <memory>
#include <string>

#include "common/stage/stage.h"
#include "stages/scanner/cursor.h"
#include "stages/scanner/known_broken.h"
#include "stages/scanner/run_options.h"
#include "stages/scanner/walk.h"

namespace millrace {

class Scan {
 public:
  // A chunk ends after this many entries too, so that a tree of empty folders is not one endless
  // job.
  static constexpr std::size_t kMaxVisits = 100'000;
  // And after this many bytes of names: a report has a bound (the wire's kMaxHeadBytes).
  static constexpr std::size_t kMaxKeyBytes = 1u << 20;

  // From where `cursor` tells; "" for the start. The same run and cursor give the same chunk, as
  // long as the files stay as they are.
  static Result<std::unique_ptr<Scan>> Open(const RunInfo& run, const std::string& cursor);

  // The next chunk: at most `items` of them, and a cursor unless the scan has ended. Stops early,
  // with what it has, when the job is cancelled. Exhaustive is the end of a plain walk that could
  // read every folder: files of one that it could not read are there, for all it knows.
  Result<Scanned> Next(std::size_t items, const Job& job, JobContext& context);

  // Of the chunk that Next would give now.
  [[nodiscard]] std::string Cursor() const;
  [[nodiscard]] std::size_t HeldBytes() const { return source_->HeldBytes(); }

 private:
  Scan(InputTree tree, ScanRunOptions options)
      : tree_(std::move(tree)), options_(std::move(options)) {}

  Result<std::unique_ptr<Source>> MakeSource(const std::string& position) const;
  // The next entry of a source; one of the skip list is skipped.
  Result<bool> Visited(Source& source, Visit& visit) const;
  // Goes through all entries once, to learn up to which hash the sample reaches.
  Result<void> DrawSample(const Job& job, JobContext& context);
  // What an image holds, in place of the time of its last change. An error where the job is
  // cancelled meanwhile: the chunk is then of no use.
  Result<void> AddChecksum(Visit& visit, const Job& job, JobContext& context) const;
  // Whether the entry is an image, or is named like one and failed.
  static bool CountsAsImage(const Visit& visit);
  [[nodiscard]] bool IsReported(const Visit& visit) const;

  const InputTree tree_;
  const ScanRunOptions options_;
  Filters filters_;
  KnownBroken broken_;
  std::unique_ptr<Source> source_;
  ScanCursor at_;  // but for the position, which the source knows
};

}  // namespace millrace
