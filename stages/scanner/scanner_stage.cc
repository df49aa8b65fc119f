#include "stages/scanner/scanner_stage.h"

#include <list>
#include <utility>

#include "stages/scanner/scan.h"

namespace millrace {
namespace {

class ScannerStage final : public Stage {
 public:
  Result<void> Start(const StageContext& context) override {
    chunk_ = static_cast<std::size_t>(context.options.Integer("chunk"));
    return {};
  }

  std::vector<Outcome> Process(std::span<const Job> jobs, JobContext& context) override {
    std::vector<Outcome> outcomes;
    outcomes.reserve(jobs.size());
    for (const Job& job : jobs) outcomes.push_back(ScanChunk(job, context));
    return outcomes;
  }

 private:
  // Where a run's scan stands in memory. At most this much is kept of all of them.
  static constexpr std::size_t kKeptBytes = std::size_t{40} << 20;
  static constexpr std::size_t kKeptScans = 16;

  struct Place {
    RunId run;
    std::unique_ptr<Scan> scan;
  };

  Outcome ScanChunk(const Job& job, JobContext& context) {
    Result<Scanned> chunk = Continue(job, context);
    if (chunk) return std::move(*chunk);
    const Error& error = chunk.error();
    // A mount that is away for a moment is worth another attempt; a wrong option is not.
    return Failed{error.code, error.message, error.code == ErrorCode::kUnreadable};
  }

  Result<Scanned> Continue(const Job& job, JobContext& context) {
    ASSIGN_OR_RETURN(std::unique_ptr<Scan> scan, Take(job));
    ASSIGN_OR_RETURN(Scanned chunk, scan->Next(chunk_, job, context));
    if (chunk.next_cursor) Keep({job.run->id, std::move(scan)});
    return chunk;
  }

  // The scan that stands at the job's cursor, out of memory or anew.
  Result<std::unique_ptr<Scan>> Take(const Job& job) {
    for (auto place = places_.begin(); place != places_.end(); ++place) {
      if (place->run != job.run->id) continue;
      std::unique_ptr<Scan> scan = std::move(place->scan);
      places_.erase(place);
      if (scan->Cursor() == job.cursor) return scan;
      break;
    }
    return Scan::Open(*job.run, job.cursor);
  }

  void Keep(Place newest) {
    places_.push_front(std::move(newest));
    std::size_t bytes = 0, count = 0;
    for (auto place = places_.begin(); place != places_.end();) {
      bytes += place->scan->HeldBytes();
      const bool fits = ++count == 1 || (count <= kKeptScans && bytes <= kKeptBytes);
      place = fits ? std::next(place) : places_.erase(place, places_.end());
    }
  }

  std::size_t chunk_ = 1000;
  std::list<Place> places_;  // the one used last in front
};

}  // namespace

std::unique_ptr<Stage> MakeScannerStage() { return std::make_unique<ScannerStage>(); }

}  // namespace millrace
