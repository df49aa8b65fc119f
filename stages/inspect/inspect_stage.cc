#include "stages/inspect/inspect_stage.h"

#include <optional>
#include <string>
#include <utility>

#include "common/image/inspect.h"
#include "stages/input_file.h"
#include "stages/inspect/content_name.h"
#include "stages/inspect/options.h"
#include "stages/inspect/read_limiter.h"
#include "stages/inspect/verdict.h"

namespace millrace {
namespace {

using Opened = std::variant<InputFile, NoInput>;

// Files whose reading has begun while an earlier one is judged.
constexpr std::size_t kReadAhead = 2;
// A buffer that one large file has made larger than this is given back.
constexpr std::size_t kKeepBuffer = 64u << 20;

InspectLevel LevelOf(const std::string& name) {
  if (name == "open") return InspectLevel::kOpen;
  return name == "strict" ? InspectLevel::kStrict : InspectLevel::kDecode;
}

class InspectStage final : public Stage {
 public:
  Result<void> Start(const StageContext& context) override {
    const Options& options = context.options;
    inspect_.level = LevelOf(options.Text("level"));
    inspect_.max_pixels = options.Integer("max_pixels");
    inspect_.max_side = options.Integer("max_side");
    inspect_.max_bytes = options.Bytes("max_bytes");
    ASSIGN_OR_RETURN(const std::vector<ReaderLimit> limits, ReaderLimits(options));
    names_.emplace();
    ASSIGN_OR_RETURN(slots_, ReadLimiter::Open(limits, ReadLimiter::SharedFolder()));
    return {};
  }

  // A verdict stands while the rules do that it was given by.
  std::string Ingredients() const override { return "inspect " + std::to_string(kInspectVersion); }

  std::vector<Outcome> Process(std::span<const Job> jobs, JobContext& context) override {
    std::vector<Outcome> outcomes;
    outcomes.reserve(jobs.size());
    std::vector<std::optional<Opened>> opened(jobs.size());
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      for (std::size_t next = i; next < jobs.size() && next <= i + kReadAhead; ++next) {
        if (!opened[next]) opened[next] = OpenAhead(jobs[next]);
      }
      if (context.Cancelled(jobs[i])) {
        outcomes.emplace_back(Failed{ErrorCode::kInternal, "cancelled", false});
      } else {
        outcomes.push_back(Judge(jobs[i], *opened[i]));
      }
      opened[i].reset();
      context.Progress();
    }
    if (buffer_.size() > kKeepBuffer) std::vector<std::byte>().swap(buffer_);
    return outcomes;
  }

 private:
  [[nodiscard]] Opened OpenAhead(const Job& job) const {
    Opened opened = InputFile::Open(job.run->input, job.key, !job.meta.Bool(kUnnamedMeta, false));
    // Where readers are counted, the next file waits for its turn.
    if (const auto* file = std::get_if<InputFile>(&opened);
        file != nullptr && !slots_.Covers(job.run->input + '/' + job.key)) {
      file->ReadAhead();
    }
    return opened;
  }

  // How the item ends, with what is known of its file in the record.
  static Outcome Ended(NoInput how, Verdict verdict) {
    auto* failed = std::get_if<Failed>(&how);
    if (failed == nullptr) return std::get<Skipped>(std::move(how));
    verdict.finding = Finding{failed->code, failed->text, {}, {}};
    failed->record = {kVerdictsRecord, VerdictLine(verdict)};
    return std::move(*failed);
  }

  // Says of what is named like a picture what it is instead.
  void NameContent(const InputFile& file, Failed& failed) {
    if (failed.code != ErrorCode::kNotAnImage && failed.code != ErrorCode::kUnsupportedFormat) {
      return;
    }
    const auto head = file.Head(ContentNames::kHeadBytes, buffer_);
    const std::string what = names_->Describe(head, file.bytes());
    if (!what.empty()) failed.text = "named like an image; its content is " + what;
  }

  Outcome Judge(const Job& job, Opened& opened) {
    Verdict verdict{.path = job.key, .format = {}, .finding = {}, .bytes = {}, .mtime_ns = {}};
    if (auto* none = std::get_if<NoInput>(&opened)) return Ended(std::move(*none), verdict);
    const InputFile& file = std::get<InputFile>(opened);
    verdict.bytes = file.bytes();
    verdict.mtime_ns = file.mtime_ns();
    auto read = [&] {
      const ReadLimiter::Hold hold = slots_.Enter(job.run->input + '/' + job.key);
      return file.Read(inspect_.max_bytes, buffer_);
    }();
    if (auto* none = std::get_if<NoInput>(&read)) {
      if (auto* failed = std::get_if<Failed>(none)) NameContent(file, *failed);
      return Ended(std::move(*none), verdict);
    }

    Inspection inspection = Inspect(std::get<std::span<const std::byte>>(read), job.key, inspect_);
    // A file that is being written looks cut: it is judged when it is left alone.
    if (inspection.finding && file.Changed()) {
      return Ended(Failed{ErrorCode::kUnreadable, "it changed while it was read", true}, verdict);
    }
    verdict.format = inspection.format;
    verdict.finding = std::move(inspection.finding);
    Record record{kVerdictsRecord, VerdictLine(verdict)};
    if (!verdict.finding) {
      Done done;
      done.record = std::move(record);
      return done;
    }
    return Failed{verdict.finding->code, std::move(verdict.finding->what), false,
                  std::move(record)};
  }

  InspectOptions inspect_;
  ReadLimiter slots_;
  std::optional<ContentNames> names_;
  std::vector<std::byte> buffer_;  // of the file at hand
};

}  // namespace

std::unique_ptr<Stage> MakeInspectStage() { return std::make_unique<InspectStage>(); }

}  // namespace millrace
