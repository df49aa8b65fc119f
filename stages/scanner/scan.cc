#include "stages/scanner/scan.h"

#include <cerrno>

#include "stages/scanner/checksum.h"
#include "stages/scanner/path_list.h"
#include "stages/scanner/sample.h"

namespace millrace {

Result<std::unique_ptr<Scan>> Scan::Open(const RunInfo& run, const std::string& cursor) {
  ASSIGN_OR_RETURN(ScanRunOptions options, ScanRunOptions::ReadFrom(run.options));
  ASSIGN_OR_RETURN(InputTree tree, InputTree::Open(run));
  ASSIGN_OR_RETURN(ScanCursor at, ScanCursor::Decode(cursor));
  std::unique_ptr<Scan> scan(new Scan(std::move(tree), std::move(options)));
  const auto parse = [](const std::vector<std::string>& patterns,
                        std::vector<Glob>& globs) -> Result<void> {
    for (const std::string& pattern : patterns) {
      ASSIGN_OR_RETURN(Glob glob, Glob::Parse(pattern));
      globs.push_back(std::move(glob));
    }
    return {};
  };
  RETURN_IF_ERROR(parse(scan->options_.include, scan->filters_.include));
  RETURN_IF_ERROR(parse(scan->options_.exclude, scan->filters_.exclude));
  scan->filters_.look = {.follow_symlinks = scan->options_.follow_symlinks,
                         .sniff = scan->options_.TellsImages(),
                         .apple_double = !scan->options_.no_default_excludes};
  scan->filters_.default_excludes = !scan->options_.no_default_excludes;
  if (!scan->options_.skip_list.empty()) {
    ASSIGN_OR_RETURN(scan->broken_, KnownBroken::Load(scan->options_.skip_list));
  }
  ASSIGN_OR_RETURN(scan->source_, scan->MakeSource(at.position));
  scan->at_ = std::move(at);
  return scan;
}

Result<Scanned> Scan::Next(std::size_t items, const Job& job, JobContext& context) {
  if (options_.sample > 0 && !at_.threshold) RETURN_IF_ERROR(DrawSample(job, context));
  Scanned chunk;
  Visit visit;
  std::size_t key_bytes = 0;
  for (std::size_t visits = 0;
       visits < kMaxVisits && chunk.found.size() < items && key_bytes < kMaxKeyBytes; ++visits) {
    if (context.Cancelled(job)) break;
    ASSIGN_OR_RETURN(const bool more, Visited(*source_, visit));
    if (!more) {
      chunk.exhaustive = options_.NamesAll() && at_.unread == 0;
      return chunk;
    }
    context.Progress();
    if (visit.is_directory && std::holds_alternative<Failed>(visit.what)) ++at_.unread;
    if (!IsReported(visit)) continue;
    if (CountsAsImage(visit)) ++at_.images;
    if (options_.checksum) RETURN_IF_ERROR(AddChecksum(visit, job, context));
    key_bytes += visit.key.size();
    std::visit(
        [&](auto& what) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(what)>, std::monostate>) {
            chunk.found.push_back({std::move(visit.key), std::move(what)});
          }
        },
        visit.what);
    if (options_.limit > 0 && at_.images >= static_cast<std::uint64_t>(options_.limit)) {
      return chunk;
    }
  }
  chunk.next_cursor = Cursor();
  return chunk;
}

Result<void> Scan::AddChecksum(Visit& visit, const Job& job, JobContext& context) const {
  const auto* stat_only = std::get_if<Meta>(&visit.what);
  if (stat_only == nullptr) return {};
  const auto checksum = ChecksumOfFile(tree_.FullPath(visit.key), [&] {
    context.Progress();
    return !context.Cancelled(job);
  });
  if (!checksum && checksum.error() == ECANCELED) {
    return Fail(ErrorCode::kUnavailable, "the scan was stopped while it read " + visit.key);
  }
  if (!checksum) {
    std::visit([&](auto&& what) { visit.what = std::move(what); },
               UnreadableFile(visit.key, checksum.error()));
    return {};
  }
  Meta meta;
  for (const auto& [name, value] : stat_only->values()) {
    if (name != "mtime_ns") meta.Set(name, value);
  }
  meta.Set("bytes", checksum->bytes);
  meta.Set("checksum", checksum->digest);
  visit.what = std::move(meta);
  return {};
}

std::string Scan::Cursor() const {
  ScanCursor cursor = at_;
  cursor.position = source_->Position();
  return cursor.Encode();
}

Result<std::unique_ptr<Source>> Scan::MakeSource(const std::string& position) const {
  if (!options_.only.empty()) return PathList::Only(tree_, filters_, options_.only, position);
  if (!options_.files_from.empty()) {
    return PathList::Open(tree_, filters_, options_.files_from, options_.files_from_nul, position);
  }
  return std::make_unique<Walk>(tree_, filters_, position);
}

Result<bool> Scan::Visited(Source& source, Visit& visit) const {
  ASSIGN_OR_RETURN(const bool more, source.Next(visit));
  if (!more || visit.is_directory || options_.skip_list.empty()) return more;
  const auto* failed = std::get_if<Failed>(&visit.what);
  const auto* file = std::get_if<Meta>(&visit.what);
  const bool is_listed = file != nullptr ? broken_.Covers(visit.key, file->Integer("bytes", -1),
                                                          file->Integer("mtime_ns", 0))
                                         : failed != nullptr && failed->code == ErrorCode::kEmpty &&
                                               broken_.Covers(visit.key, 0, std::nullopt);
  if (is_listed) visit.what = Skipped{"broken"};
  return more;
}

Result<void> Scan::DrawSample(const Job& job, JobContext& context) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Source> all, MakeSource(""));
  SampleDraw draw(static_cast<std::size_t>(options_.sample));
  Visit visit;
  for (;;) {
    if (context.Cancelled(job)) return {};  // nothing is drawn yet
    ASSIGN_OR_RETURN(const bool more, Visited(*all, visit));
    if (!more) break;
    context.Progress();
    if (CountsAsImage(visit)) draw.Add(visit.key);
  }
  at_.threshold = draw.Threshold();
  return {};
}

bool Scan::CountsAsImage(const Visit& visit) {
  return !visit.is_directory &&
         (std::holds_alternative<Meta>(visit.what) || std::holds_alternative<Failed>(visit.what));
}

bool Scan::IsReported(const Visit& visit) const {
  if (!at_.threshold) return true;
  if (CountsAsImage(visit)) return SampleHash(visit.key) <= *at_.threshold;
  // What hides an unknown number of files is told even of a sample.
  return visit.is_directory && std::holds_alternative<Failed>(visit.what);
}

}  // namespace millrace
