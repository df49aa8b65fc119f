#include "broker/run/report_writer.h"

#include "common/wire/token.h"

namespace millrace {

void ReportWriter::Write(Parts parts, Work work, std::function<void(wire::RunStatus)> done) {
  const std::shared_ptr<ReportWriter> writer(
      new ReportWriter(std::move(parts), std::move(work), std::move(done)));
  writer->Summarize();
}

void ReportWriter::Summarize() {
  p_.durability.Post(SummarizeRun{report().run},
                     [self = shared_from_this()](Result<StateAnswer> answer) {
                       if (answer) self->OnSummary(std::get<RunListing>(std::move(*answer)));
                     });
}

void ReportWriter::OnSummary(RunListing listing) {
  TakeSummary(listing.summary, p_.stages, report());
  if (work_.no_folder) {
    report().result = RunResult::kFailed;
    report().reason = work_.no_folder->message;
    return RecordEnd();
  }
  if (report().deleted > 0) lists_.push_back({ReadReport::List::kDeleted, "deleted"});
  lists_.push_back({ReadReport::List::kFailed, "failed"});
  for (std::string& name : listing.record_names) {
    if (!wire::IsRecordName(name)) continue;  // of an old or a changed state
    lists_.push_back({ReadReport::List::kRecords, std::move(name)});
  }
  names_ = {"failed", "deleted"};
  for (const List& list : lists_) names_.push_back(list.name);
  AskFolder(BeginReport{}, [self = shared_from_this()](FolderAnswer) { self->NextList(); });
}

void ReportWriter::NextList() {
  if (lists_.empty()) return Finish();
  NextPage("");
}

void ReportWriter::NextPage(std::string after) {
  const List& list = lists_.front();
  p_.durability.Post(ReadReport{report().run, list.what, list.name, std::move(after)},
                     [self = shared_from_this()](Result<StateAnswer> answer) {
                       if (answer) self->OnPage(std::get<ReportPage>(std::move(*answer)));
                     });
}

void ReportWriter::OnPage(ReportPage page) {
  const List& list = lists_.front();
  WriteList write{.name = list.name, .stages = p_.stages, .last = !page.more};
  write.items = std::move(page.items);
  write.lines = std::move(page.lines);
  switch (list.what) {
    case ReadReport::List::kFailed:
      write.what = WriteList::What::kFailed;
      break;
    case ReadReport::List::kDeleted:
      write.what = work_.prune ? WriteList::What::kPruned : WriteList::What::kDeleted;
      write.input = report().input;
      break;
    case ReadReport::List::kRecords:
      write.what = WriteList::What::kRecords;
      break;
  }
  AskFolder(std::move(write), [self = shared_from_this(), more = page.more,
                               last = std::move(page.last)](FolderAnswer answer) {
    auto& written = std::get<ListWritten>(answer);
    self->report().pruned += written.pruned;
    for (std::string& key : written.forget) self->forget_.push_back(std::move(key));
    if (more) return self->NextPage(last);
    self->lists_.pop_front();
    self->NextList();
  });
}

void ReportWriter::Finish() {
  AskFolder(FinishReport{ReportJson(report()), names_},
            [self = shared_from_this()](FolderAnswer) { self->RecordEnd(); });
}

void ReportWriter::AskFolder(FolderRequest request, std::function<void(FolderAnswer)> then) {
  p_.folders.Post(report().output, std::move(request),
                  [self = shared_from_this(), then = std::move(then)](Result<FolderAnswer> answer) {
                    if (answer) return then(std::move(*answer));
                    self->report().result = RunResult::kFailed;
                    self->report().reason = answer.error().message;
                    // The list of what is left was not written: the next run tries again.
                    self->forget_.clear();
                    self->RecordEnd();
                  });
}

void ReportWriter::RecordEnd() {
  const bool done = report().result == RunResult::kDone;
  CloseRun close{.run = report().run,
                 .phase = done ? StoredPhase::kDone : StoredPhase::kStopped,
                 .status = FinalStatus(report()),
                 .forget = std::move(forget_),
                 .now_s = p_.clock.UnixSeconds()};
  wire::RunStatus status = close.status;
  p_.durability.Post(std::move(close), [self = shared_from_this(), status = std::move(status)](
                                           const Result<StateAnswer>& answer) {
    if (answer) self->done_(status);
  });
}

}  // namespace millrace
