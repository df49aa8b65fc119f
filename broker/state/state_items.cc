// State: items, from the walk that names them to their outcome.
#include <algorithm>
#include <iterator>
#include <utility>

#include "broker/state/query.h"
#include "broker/state/row_sql.h"
#include "broker/state/state.h"
#include "broker/state/statements.h"
#include "common/wire/paths.h"

namespace millrace {
namespace {

// Whether the walk that named it last has failed it by this code.
bool FailedScan(ItemRow row, std::string_view code) {
  row.TakeWhatWasSaid();
  return row.state == ItemState::kFailed && row.stage == 0 && row.code == code;
}

// What a walk says of an item that it does not pass on is of that run. What an earlier one came to
// at a stage, or what the item went through there, stands beside it, for the next that passes it
// on.
void KeepEarlier(std::optional<ItemRow> known, ItemRow& row) {
  if (!known || known->stage == 0) return;
  known->said = SaidOf(row.state, row.code, row.text);
  known->generation = row.generation;
  row = std::move(*known);
}

}  // namespace

std::optional<ItemRow> State::ReadItem(std::int64_t root, std::string_view key) {
  Query query(statements_->read_item);
  if (!query.Number(root).Bytes(key).Step()) return std::nullopt;
  ItemRow row = ReadItemRow(query);
  if (HasItsSum(row, query)) return row;
  damaged_rows_ += 1;
  return std::nullopt;
}

void State::WriteItem(const ItemRow& row) {
  Query query(statements_->write_item);
  BindItem(query, row);
  query.Run();
}

Result<void> State::VisitRows(Query& query, const std::function<Result<void>(ItemRow&)>& visit) {
  while (query.Step()) {
    ItemRow row = ReadItemRow(query);
    if (HasItsSum(row, query)) {
      RETURN_IF_ERROR(visit(row));
    } else {
      damaged_rows_ += 1;
    }
  }
  return {};
}

void State::ForEachItem(std::int64_t root, const std::function<void(ItemRow&)>& visit) {
  Query query(statements_->read_items);
  query.Number(root);
  // It has nothing to fail by.
  (void)VisitRows(query, [&](ItemRow& row) {
    visit(row);
    return Result<void>();
  });
}

Result<ScanRecorded> State::RecordScan(const millrace::RecordScan& scan) {
  return Guarded("recording a scan", [&]() -> Result<ScanRecorded> {
    ASSIGN_OR_RETURN(RunContext* const context, Context(scan.run));
    ScanRecorded recorded;
    context->lost_outputs = &scan.lost_outputs;
    for (const wire::FoundItem& found : scan.found) RecordFound(*context, found, recorded);
    context->lost_outputs = nullptr;
    RunRow& run = context->row;
    const bool is_first = run.cursor.empty();
    if (scan.next_cursor) {
      run.cursor = *scan.next_cursor;
    } else {
      run.scan_ended = true;
      run.exhaustive = scan.exhaustive;
    }
    run.resumed += recorded.counts.resumed;
    run.resumed_failed += recorded.counts.resumed_failed;
    run.repeated += recorded.counts.repeated;
    run.redone = context->redone.Encode();
    WriteRun(run);
    recorded.nothing_counts = WhyNothingCounts(*context, is_first);
    recorded.next_cursor = scan.next_cursor;
    return recorded;
  });
}

void State::RecordFound(RunContext& context, const wire::FoundItem& found, ScanRecorded& recorded) {
  RunCounts& counts = recorded.counts;
  std::optional<ItemRow> known = ReadItem(context.row.root, found.key);
  if (known && known->generation == context.row.generation) {
    counts.repeated += 1;
    return;
  }
  counts.scanned += 1;
  ItemRow row;
  row.root = context.row.root;
  row.key = found.key;
  row.generation = context.row.generation;
  if (const auto* fail = std::get_if<wire::FoundItem::Fail>(&found.what)) {
    bool same = known && FailedScan(*known, fail->code);
    for (const OtherRoot& other : context.others) {
      if (same) break;
      const std::optional<ItemRow> there = ReadItem(other.root, found.key);
      same = there && FailedScan(*there, fail->code);
    }
    same = same && !context.row.order.fresh;
    counts.failed += 1;
    counts.failed_by[fail->code] += 1;
    counts.resumed += same;
    counts.resumed_failed += same;
    if (same) counts.resumed_failed_by[fail->code] += 1;
    row.state = ItemState::kFailed;
    row.code = fail->code;
    row.text = fail->text;
    row.marks.attempts = 1;
    KeepEarlier(std::move(known), row);
  } else if (const auto* skip = std::get_if<wire::FoundItem::Skip>(&found.what)) {
    counts.skipped += 1;
    row.state = ItemState::kSkipped;
    row.code = skip->reason;
    KeepEarlier(std::move(known), row);
  } else {
    const std::string& meta = std::get<wire::FoundItem::Next>(found.what).meta;
    const bool stands = known && Stands(context, *known, meta);
    std::optional<ItemRow> earlier =
        stands ? std::move(known) : TakeFromOthers(context, found.key, meta);
    if (earlier) {
      row = std::move(*earlier);
      row.generation = context.row.generation;
      row.said.clear();
      counts.ok += row.state == ItemState::kOk;
      counts.failed += row.state == ItemState::kFailed;
      counts.skipped += row.state == ItemState::kSkipped;
      counts.resumed += row.state != ItemState::kSkipped;
      counts.resumed_failed += row.state == ItemState::kFailed;
      if (row.state == ItemState::kFailed) {
        counts.failed_by[row.code] += 1;
        counts.resumed_failed_by[row.code] += 1;
      }
    } else {
      row.meta = meta;
      if (known) NoteRedone(context, *known, meta);
      const bool same_file = known && known->meta == meta && !context.row.order.fresh;
      if (same_file && known->state == ItemState::kOpen) {
        row.marks = known->marks;
        row.stage = known->stage;
      }
      recorded.open.push_back({row.key, row.meta, row.marks});
    }
  }
  WriteItem(row);
}

bool State::Stands(const RunContext& context, const ItemRow& row, const std::string& meta) const {
  if (context.row.order.fresh || row.state == ItemState::kOpen || row.meta != meta) return false;
  // One that the scan ended, when the file was another, has no recipe.
  const auto stage = static_cast<std::size_t>(row.stage);
  if (stage == 0 || stage >= stages_) return false;
  if (row.recipe == 0 || row.recipe != context.recipe_ids[stage]) return false;
  if (row.state == ItemState::kFailed) return !IsEnvironmentFailure(row.code);
  return row.state != ItemState::kOk || !context.row.order.verify_outputs ||
         OutputsStand(context, row);
}

bool State::OutputsStand(const RunContext& context, const ItemRow& row) {
  return std::all_of(row.outputs.begin(), row.outputs.end(), [&](const wire::OutputFile& file) {
    return wire::IsOutputPath(file.path) && (context.lost_outputs == nullptr ||
                                             !context.lost_outputs->contains(StampOfOutput(file)));
  });
}

Result<std::vector<wire::OutputFile>> State::OutputsOf(RunId run,
                                                       const std::vector<std::string>& keys) {
  return Guarded("reading outputs", [&]() -> Result<std::vector<wire::OutputFile>> {
    ASSIGN_OR_RETURN(RunContext* const context, Context(run));
    std::vector<std::int64_t> roots = {context->row.root};
    for (const OtherRoot& other : context->others) roots.push_back(other.root);
    std::vector<wire::OutputFile> files;
    for (const std::string& key : keys) {
      for (const std::int64_t root : roots) {
        std::optional<ItemRow> row = ReadItem(root, key);
        if (!row) continue;
        std::move(row->outputs.begin(), row->outputs.end(), std::back_inserter(files));
      }
    }
    return files;
  });
}

Result<void> State::EndItem(const ItemEnded& ended) {
  return Guarded("recording an outcome", [&]() -> Result<void> {
    ASSIGN_OR_RETURN(RunContext* const context, Context(ended.run));
    std::optional<ItemRow> row = ReadItem(context->row.root, ended.key);
    if (!row || row->generation != context->row.generation || !row->said.empty() ||
        row->state != ItemState::kOpen) {
      return millrace::Fail(ErrorCode::kInternal,
                            "an outcome for an item that is not open: " + ended.key);
    }
    row->state = ended.outcome == ItemOutcome::kOk       ? ItemState::kOk
                 : ended.outcome == ItemOutcome::kFailed ? ItemState::kFailed
                                                         : ItemState::kSkipped;
    row->stage = static_cast<std::int64_t>(ended.stage);
    row->recipe = ended.stage < stages_ ? context->recipe_ids[ended.stage] : 0;
    row->code = ended.code;
    row->text = ended.text;
    row->marks = {.attempts = ended.attempts};
    row->outputs = ended.outputs;
    row->warnings.clear();
    for (const std::string& warning : ended.warnings) row->warnings += warning + '\n';
    WriteItem(*row);
    WriteRecords(*row, ended.records);
    // Where another INPUT had an item of this path, its output is this one by now.
    if (row->state == ItemState::kOk) DropFromOthers(*context, row->key);
    return {};
  });
}

std::set<std::string>& State::NamesOfRecords(std::int64_t root) {
  const auto [found, is_new] = record_names_.try_emplace(root);
  if (is_new) {
    Query query(statements_->record_names);
    query.Number(root);
    while (query.Step()) found->second.insert(query.BytesAt(0));
  }
  return found->second;
}

void State::WriteRecords(const ItemRow& row, const std::vector<ItemRecord>& records) {
  std::set<std::string>& names = NamesOfRecords(row.root);
  for (const std::string& name : names) {
    Query(statements_->drop_record).Number(row.root).Text(name).Bytes(row.key).Run();
  }
  for (const ItemRecord& record : records) {
    names.insert(record.name);
    Query query(statements_->write_record);
    RecordRow{row.root, record.name, row.key, record.line}.Bind(query);
    query.Run();
  }
}

Result<void> State::Mark(const ItemMarked& marked) {
  return Guarded("recording an item's marks", [&]() -> Result<void> {
    ASSIGN_OR_RETURN(RunContext* const context, Context(marked.run));
    std::optional<ItemRow> row = ReadItem(context->row.root, marked.key);
    if (!row || row->generation != context->row.generation || !row->said.empty() ||
        row->state != ItemState::kOpen) {
      return millrace::Fail(ErrorCode::kInternal,
                            "marks for an item that is not open: " + marked.key);
    }
    row->marks = marked.marks;
    row->stage = static_cast<std::int64_t>(marked.marks.stage);
    WriteItem(*row);
    return {};
  });
}

Result<RunSummary> State::Summarize(RunId run) {
  return Guarded("counting outcomes", [&]() -> Result<RunSummary> {
    ASSIGN_OR_RETURN(RunContext* const context, Context(run));
    const RunRow& of = context->row;
    RunSummary summary;
    RunCounts& counts = summary.counts;
    const bool deletions_known = DeletionsKnown(of);
    ForEachItem(of.root, [&](ItemRow& row) {
      if (row.generation != of.generation) {
        summary.deleted += deletions_known && IsGone(of, row);
        return;
      }
      row.TakeWhatWasSaid();
      counts.scanned += 1;
      counts.ok += row.state == ItemState::kOk;
      counts.failed += row.state == ItemState::kFailed;
      counts.skipped += row.state == ItemState::kSkipped;
      summary.open += row.state == ItemState::kOpen;
      if (row.state == ItemState::kFailed) counts.failed_by[row.code] += 1;
      if (row.state == ItemState::kSkipped) summary.skipped_by[row.code] += 1;
      std::string_view warnings = row.warnings;
      while (!warnings.empty()) {
        const std::size_t end = std::min(warnings.find('\n'), warnings.size() - 1);
        summary.warnings[std::string(warnings.substr(0, end))] += 1;
        warnings.remove_prefix(end + 1);
      }
    });
    counts.resumed = of.resumed;
    counts.resumed_failed = of.resumed_failed;
    counts.repeated = of.repeated;
    summary.nothing_counts = WhyNothingCounts(*context, /*first_chunk=*/false);
    return summary;
  });
}

Result<State::Page<ListedItem>> State::ReadItems(Query& query,
                                                 const std::function<bool(ItemRow&)>& is_listed) {
  Page<ListedItem> page;
  std::size_t bytes = 0;
  while (query.Step()) {
    if (page.rows.size() == kPageRows || bytes > kPageBytes) {
      page.more = true;
      break;
    }
    ItemRow row = ReadItemRow(query);
    if (!HasItsSum(row, query)) {
      damaged_rows_ += 1;
      continue;
    }
    if (!is_listed(row)) continue;
    page.last = row.key;
    bytes += row.key.size() + row.text.size();
    for (const wire::OutputFile& file : row.outputs) bytes += file.path.size();
    page.rows.push_back({.key = std::move(row.key),
                         .stage = static_cast<std::size_t>(row.stage),
                         .code = std::move(row.code),
                         .text = std::move(row.text),
                         .attempts = row.marks.attempts,
                         .outputs = std::move(row.outputs)});
  }
  return page;
}

Result<State::Page<ListedItem>> State::Failures(RunId run, const std::string& after) {
  return Guarded("reading the failures", [&]() -> Result<Page<ListedItem>> {
    ASSIGN_OR_RETURN(RunContext* const context, Context(run));
    Query query(statements_->read_failures);
    query.Number(context->row.root).Number(context->row.generation).Bytes(after);
    return ReadItems(query, [](ItemRow& row) {
      row.TakeWhatWasSaid();
      return row.state == ItemState::kFailed;
    });
  });
}

Result<std::vector<std::string>> State::RecordNames(RunId run) {
  return Guarded("reading the records", [&]() -> Result<std::vector<std::string>> {
    ASSIGN_OR_RETURN(RunContext* const context, Context(run));
    std::vector<std::string> names;
    Query query(statements_->record_names);
    query.Number(context->row.root);
    while (query.Step()) names.push_back(query.BytesAt(0));
    return names;
  });
}

Result<State::Page<std::string>> State::Records(RunId run, const std::string& name,
                                                const std::string& after) {
  return Guarded("reading the records", [&]() -> Result<Page<std::string>> {
    ASSIGN_OR_RETURN(RunContext* const context, Context(run));
    Query query(statements_->read_records);
    query.Number(context->row.root).Text(name).Number(context->row.generation).Bytes(after);
    Page<std::string> page;
    std::size_t bytes = 0;
    while (query.Step()) {
      if (page.rows.size() == kPageRows || bytes > kPageBytes) {
        page.more = true;
        break;
      }
      page.rows.push_back(query.BytesAt(0));
      page.last = query.BytesAt(1);
      bytes += page.rows.back().size();
    }
    return page;
  });
}

// Where a folder could not be read, what lies in it was not named and is not gone. And a walk that
// named nothing at all tells of a disk that is not mounted more often than of an emptied folder.
bool State::DeletionsKnown(const RunRow& row) {
  if (!row.scan_ended || !row.exhaustive) return false;
  {
    Query any(statements_->any_of_generation);
    if (!any.Number(row.root).Number(row.generation).Step()) return false;
  }
  Query query(statements_->any_unreadable);
  return !query.Number(row.root).Number(row.generation).Step();
}

// A folder that was left out or not to be entered, or what may be one, is named itself: what lies
// in it was not, and need not be gone.
bool State::IsPassedOver(std::int64_t root, std::int64_t generation, std::string_view key) {
  for (std::size_t slash = key.find('/'); slash != std::string_view::npos;
       slash = key.find('/', slash + 1)) {
    Query query(statements_->passed_over);
    if (query.Number(root).Bytes(key.substr(0, slash)).Number(generation).Step()) {
      return true;
    }
  }
  return false;
}

bool State::IsGone(const RunRow& run, const ItemRow& row) {
  if (row.generation >= run.generation || IsPassedOver(run.root, run.generation, row.key)) {
    return false;
  }
  if (row.stage > 0) return true;
  // A folder that an earlier walk has passed over, and this one not, is there by what lies in it.
  Query query(statements_->any_below);
  query.Number(run.root).Bytes(row.key + "/").Bytes(row.key + "0").Number(run.generation);
  return !query.Step();
}

Result<State::Page<ListedItem>> State::Deleted(RunId run, const std::string& after) {
  return Guarded("reading the deleted inputs", [&]() -> Result<Page<ListedItem>> {
    ASSIGN_OR_RETURN(RunContext* const context, Context(run));
    if (!DeletionsKnown(context->row)) return Page<ListedItem>();
    Query query(statements_->read_older);
    query.Number(context->row.root).Number(context->row.generation).Bytes(after);
    return ReadItems(query, [&](const ItemRow& row) { return IsGone(context->row, row); });
  });
}

Result<void> State::Remove(RunId run, const std::vector<std::string>& keys) {
  return Guarded("forgetting deleted inputs", [&]() -> Result<void> {
    ASSIGN_OR_RETURN(RunContext* const context, Context(run));
    for (const std::string& key : keys) {
      Query(statements_->remove_item).Number(context->row.root).Bytes(key).Run();
    }
    return {};
  });
}

}  // namespace millrace
